package cluster

import (
	"testing"

	"github.com/meshos/meshos/host/mesh"
)

func TestSubjectsOfTwoChainsMayNotMeet(t *testing.T) {
	for _, c := range []struct {
		a, b string
		meet bool
	}{
		{"orders.>", "orders.new", true},
		{"orders.*", "orders.new", true},
		{"orders.new", "orders.new", true},
		{"*.new", "orders.*", true},
		{"orders.>", "orders", false},
		{"orders.*", "orders.new.eu", false},
		{"orders.new", "orders.old", false},
		{"orders.>", "events.>", false},
	} {
		if mesh.SubjectsMeet(c.a, c.b) != c.meet || mesh.SubjectsMeet(c.b, c.a) != c.meet {
			t.Errorf("%s and %s: %t", c.a, c.b, !c.meet)
		}
	}
}

func TestWhatAChainMayBecome(t *testing.T) {
	s := New()
	set := func(ev mesh.SetChain, want string) {
		t.Helper()
		got := ""
		if wrong := s.unfitChain(ev); wrong != nil {
			got = wrong.Message
		} else {
			s.note(ev, &Outcome{})
		}
		if got != want {
			t.Errorf("%+v: %q, want %q", ev, got, want)
		}
	}
	orders := mesh.SetChain{Chain: 1, Name: "orders", Replicas: 3, Stream: mesh.ChainStream{Subjects: []string{"orders.>"}}}
	set(orders, "")
	more := orders
	more.Replicas, more.Name = 5, "all-orders"
	set(more, "")
	other := more
	other.Stream.Subjects = []string{"orders.>", "bills.>"}
	set(other, "what chain 1 stores can't be changed, only its name and its number of replicas: create another one")
	set(mesh.SetChain{Chain: 2, Name: "all-orders", Stream: mesh.ChainStream{Subjects: []string{"bills"}}}, `chain 1 is called "all-orders" already`)
	set(mesh.SetChain{Chain: 2, Name: "new", Stream: mesh.ChainStream{Subjects: []string{"orders.new"}}},
		"messages on orders.new would be those of chain 1 (all-orders) as well, which holds orders.>")
	adopted := mesh.SetChain{Chain: 4, Name: "old", Stream: mesh.ChainStream{Subjects: []string{"old"}, Name: "OLD"}}
	set(adopted, "")
	set(mesh.SetChain{Chain: 5, Name: "older", Stream: mesh.ChainStream{Subjects: []string{"older"}, Name: "OLD"}}, "the stream OLD is chain 4 (old) already")
	adopted.Deleted = true
	set(adopted, "")
	set(mesh.SetChain{Chain: 3, Deleted: true}, "the mesh has no chain 3; `meshos chain list` lists its chains")
	gone := more
	gone.Deleted = true
	set(gone, "")
	set(orders, "chain 1 was deleted, and its id is not given again")
	set(mesh.SetChain{Chain: 2, Name: "new", Stream: mesh.ChainStream{Subjects: []string{"orders.new"}}}, "")
	if c := s.Chains(); len(c) != 3 || c[0].Chain != 1 || !c[0].Deleted || c[1].Name != "new" {
		t.Errorf("%+v", c)
	}
	back, err := FromProto(s.ToProto())
	if err != nil || s.Height() != 0 && len(back.Chains()) != 3 {
		t.Error(err)
	}
}
