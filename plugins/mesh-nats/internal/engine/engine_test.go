package engine

import (
	"errors"
	"slices"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
)

// One cluster for what can be done to streams one after the other: servers take seconds to find
// each other.
func TestStreamsGoWhereTheyAreSent(t *testing.T) {
	l := newLab(t, 5)

	// Without anybody's consent there is nowhere to go.
	var refused *chains.RefusedError
	if a := l.nodes["a"].Do(t.Context(), chains.New(chains.Change{Kind: chains.Create, Stream: "c1", Replicas: 3}, 0, now()), chains.AskCreate, config("c1")); a.Code != chains.CodeNoPeers {
		t.Fatalf("a stream without consent: %+v", a)
	}

	l.must(chains.Change{Kind: chains.Create, Stream: "c1", Targets: []string{"a", "b", "d"}, Replicas: 3}, "a", "b", "d")
	l.write("c1", 400, 64<<10)
	w := l.startWriter("c", "c1")

	leader := l.leader("c1")
	others := slices.DeleteFunc([]string{"a", "b", "d"}, func(s string) bool { return s == leader })
	l.must(chains.Change{Kind: chains.Swap, Stream: "c1", Self: leader, Targets: []string{"e"}, Victim: others[0]}, sorted(leader, others[1], "e")...)

	l.must(chains.Change{Kind: chains.Handover, Stream: "c1", Self: leader, Targets: []string{"e"}}, sorted(leader, others[1], "e")...)

	// The leader itself leaves. It does not lead at the end: the next one goes on.
	l.surely(chains.Change{Kind: chains.Swap, Stream: "c1", Self: "e", Targets: []string{"c"}, Victim: "e"})
	l.settled("c1")
	l.held("c1", sorted(leader, others[1], "c")...)

	// One less, and one more again.
	leader = l.leader("c1")
	l.surely(chains.Change{Kind: chains.Shrink, Stream: "c1", Self: leader, Replicas: 2})
	two := l.settled("c1").Peers
	if len(two) != 2 {
		t.Fatalf("%+v", two)
	}
	leader = l.leader("c1")
	l.must(chains.Change{Kind: chains.Grow, Stream: "c1", Self: leader, Targets: []string{"e"}, Replicas: 3}, sorted(two[0].Name, two[1].Name, "e")...)

	// What is taken back leaves all as it was.
	before := l.settled("c1")
	leader = before.Leader
	victim := before.Peers[1].Name
	free := slices.DeleteFunc(slices.Clone(l.names), func(s string) bool { return before.Holds(s) })[0]
	if err := l.make(chains.Change{Kind: chains.Swap, Stream: "c1", Self: leader, Targets: []string{free}, Victim: victim}, func(m *chains.Move) {
		if m.Last().Changing {
			m.Cancel(now(), "enough")
		}
	}); err != nil {
		var cancelled *chains.CancelledError
		after := l.settled("c1")
		if errors.As(err, &cancelled) && (after.Holds(free) || !after.Holds(victim)) {
			t.Fatalf("%v, with %+v", err, after)
		}
	}

	l.complete("c1", w.stop())
	t.Logf("the longest gap of a writer was %s", w.gap)

	// What a server holds it says itself.
	for _, name := range l.names {
		testkit.Until(t, name+" knows what it holds", func() bool {
			own, err := Own(l.nodes[name].srv, "$G")
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(own, func(h Held) bool { return h.Stream == "c1" })
			said := l.info("c1")
			return at < 0 && !said.Holds(name) || at >= 0 && own[at].Leader == said.Leader && len(own[at].Peers) == 3 && own[at].Holds(name)
		})
	}
	for _, name := range l.names {
		if tags := l.nodes[name].tags.Borne(); tags != nil {
			t.Errorf("%s bears %v", name, tags)
		}
	}
	if err := l.make(chains.Change{Kind: chains.Grow, Stream: "c9", Self: "a", Targets: []string{"b"}, Replicas: 2}, nil); !errors.As(err, &refused) {
		t.Errorf("a stream that is not there: %v", err)
	}
	for range 2 {
		if err := l.nodes["b"].Delete(t.Context(), "c1"); err != nil {
			t.Error(err)
		}
	}
}

func sorted(names ...string) []string {
	slices.Sort(names)
	return names
}
