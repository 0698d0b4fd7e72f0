package main

import (
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestAStreamThatExistsIsTakenOver(t *testing.T) {
	c, all := newChains(t)
	engine := func(id uint64) *holder {
		c.until("it holds chains", func() bool { return all[id-1].node().holder.Load() != nil })
		return all[id-1].node().holder.Load()
	}
	js, err := engine(1).nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	c.until("there is a stream", func() bool {
		_, err := js.AddStream(&nats.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}, Replicas: 3, MaxAge: time.Hour})
		return err == nil
	})
	where := func() (i chains.Info) {
		c.until("the stream says where it is", func() bool {
			i, err = engine(1).client.Info(t.Context(), "ORDERS")
			return err == nil && i.Leader != "" && len(i.Peers) == 3
		})
		return i
	}
	holders := func(i chains.Info) (out []uint64) {
		for _, p := range i.Peers {
			out = append(out, seedOf(p.Name))
		}
		slices.Sort(out)
		return out
	}
	before := holders(where())
	nc, err := c.program(t, "a token of programs")
	if err != nil {
		t.Fatal(err)
	}
	w := startWriter(t, nc, "orders.new")

	// What does not fit is left alone, also when it is given up.
	wrong := &meshosv1.SetChain{Chain: 4, Name: "wrong", Replicas: 3, Stream: &meshosv1.ChainStream{Name: "ORDERS", Subjects: []string{"bills.>"}}}
	c.set(all, wrong)
	c.until("it is said why the stream is not taken over", func() bool {
		return len(c.recorded(`chain 4 (wrong): the stream ORDERS is not taken over: its subjects are ["orders.>"], not ["bills.>"]`)) > 0
	})
	wrong = &meshosv1.SetChain{Chain: 4, Name: "wrong", Replicas: 3, Deleted: true, Stream: wrong.GetStream()}
	right := &meshosv1.SetChain{
		Chain: 5, Name: "orders", Replicas: 3,
		Stream: &meshosv1.ChainStream{Name: "ORDERS", Subjects: []string{"orders.>"}, MaxAge: durationpb.New(time.Hour)},
	}
	c.set(all, wrong, right)
	leader, held := c.become(5, "three hold it", heldBy(3))
	if !slices.Equal(held, before) {
		t.Errorf("held by %v before, and by %v now", before, held)
	}
	c.until("nothing is under way any more", func() bool {
		i := where()
		return slices.Contains(i.Tags, "c5") && !i.Changing && slices.Equal(holders(i), before)
	})

	// It moves like any other.
	free := missing(held)[0]
	victim := slices.DeleteFunc(slices.Clone(held), func(id uint64) bool { return id == leader })[0]
	all[leader-1].act(place(&meshosv1.RequestPlacement{Chain: 5, Target: &free, Replaces: &victim}))
	c.become(5, "a follower has moved", func(_ uint64, holders []uint64) bool {
		return len(holders) == 3 && slices.Contains(holders, free) && !slices.Contains(holders, victim)
	})
	w.check(t)
}
