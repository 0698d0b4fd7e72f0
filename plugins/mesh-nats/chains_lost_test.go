package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// A holder that was away catches up; one that was replaced meanwhile drops its stale copy.
func TestAHolderComesBack(t *testing.T) {
	c, all := newChains(t)
	c.set(all, &meshosv1.SetChain{Chain: 1, Name: "one", Replicas: 3, Stream: &meshosv1.ChainStream{Subjects: []string{"one.>"}}})
	nc, err := c.program(t, "a token of programs")
	if err != nil {
		t.Fatal(err)
	}
	c.become(1, "three hold it", heldBy(3))
	c.fill(t, all, nc, 1, "one.a", 100)
	follower := func() (leader, follower uint64) {
		leader, holders := c.become(1, "three hold it", heldBy(3))
		rest := slices.DeleteFunc(slices.Clone(holders), func(id uint64) bool { return id == leader || id == 1 }) // programs use the first
		return leader, rest[0]
	}
	publish := func(subject string, messages int) {
		js, err := nc.JetStream()
		if err != nil {
			t.Fatal(err)
		}
		for i := range messages {
			c.until("a message is stored", func() bool { _, err := js.Publish(subject, fmt.Append(nil, i)); return err == nil })
		}
	}

	_, away := follower()
	m := all[away-1]
	m.end()
	publish("one.b", 100)
	m.start()
	c.everybody()
	c.listen(t, m)
	c.whole(t, all, 1, 200)

	leader, away := follower()
	m = all[away-1]
	m.end()
	all[leader-1].act(place(&meshosv1.RequestPlacement{Chain: 1, Replaces: &away}))
	c.become(1, "another node holds it", func(leader uint64, holders []uint64) bool {
		return leader != away && len(holders) == 3 && !slices.Contains(holders, away)
	})
	c.whole(t, all, 1, 200)
	stale := filepath.Join(m.dir, "hub", "cluster", "jetstream", "$G", "streams", "c1")
	if _, err := os.Stat(stale); err != nil {
		t.Fatalf("there is no stale copy to test with: %v", err)
	}
	m.start()
	c.everybody()
	c.listen(t, m)
	c.until("its stale copy is gone", func() bool { _, err := os.Stat(stale); return os.IsNotExist(err) })
	if leader, holders := c.become(1, "three hold it", heldBy(3)); slices.Contains(holders, away) {
		t.Errorf("led by %d, held by %v: %d is back", leader, holders, away)
	}
}
