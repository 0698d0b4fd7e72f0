package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// newFabric starts a mesh of three seeds in racks a, a and b, and of two members in racks b and c
// that hold chains although they are no seeds. Node 6 holds none.
func newFabric(t *testing.T, change func(m *machine)) (*chainHosts, []*machine) {
	t.Helper()
	w := newWorld(t, 3)
	c := &chainHosts{world: w, holds: map[uint64]map[uint64]map[uint64]bool{}, leads: map[uint64]map[uint64]uint64{}}
	var all []*machine
	for id := uint64(1); id <= 6; id++ {
		m := w.add(id)
		m.cfg.ChainsMost, m.cfg.ChainsBytes = 1000, 1<<30
		m.rack = []string{"a", "a", "b", "b", "c", "d"}[id-1]
		if m.cfg.Chains = id < 6; m.cfg.Chains && m.cfg.Listen == "" {
			m.cfg.ChainsListen = w.address(id)
		}
		if change != nil {
			change(m)
		}
		all = append(all, m)
	}
	for _, m := range all {
		m.start()
	}
	w.found(all[0])
	w.takesOrders(all...)
	if err := all[0].order(t.Context(), "founding"); err != nil {
		t.Fatal(err)
	}
	w.same(1, all...)
	for _, m := range all[:5] {
		c.listen(t, m)
	}
	for _, m := range all[:5] {
		c.until("all who hold chains know each other", func() bool {
			h := m.node().holder.Load()
			return h != nil && len(h.open(time.Now())) == 5
		})
	}
	return c, all
}

// racksOf returns in which racks machines are, sorted.
func racksOf(all []*machine, ids []uint64) (out []string) {
	for _, id := range ids {
		out = append(out, all[id-1].rack)
	}
	slices.Sort(out)
	return out
}

func TestMembersThatAreNoSeedsHoldChainsSpreadOverRacks(t *testing.T) {
	c, all := newFabric(t, nil)
	c.set(all,
		&meshosv1.SetChain{Chain: 1, Name: "orders", Replicas: 3, Spread: "rack", Stream: &meshosv1.ChainStream{Subjects: []string{"orders.>"}}},
		&meshosv1.SetChain{Chain: 2, Name: "bills", Replicas: 5, Spread: "rack", Stream: &meshosv1.ChainStream{Subjects: []string{"bills.>"}}},
	)
	oneARack := func(_ uint64, holders []uint64) bool {
		return slices.Equal(racksOf(all, holders), []string{"a", "b", "c"})
	}
	leader, holders := c.become(1, "one a rack holds it", oneARack)
	if !slices.Contains(holders, 5) {
		t.Errorf("held by %v", holders)
	}
	c.become(2, "all hold it, as the racks allow", heldBy(5))
	c.until("who created it says that the racks do not allow more", func() bool {
		return slices.ContainsFunc(all, func(m *machine) bool {
			return containsAll(m.log.String(), "the replicas of a chain are not spread as it says", "2 in rack a, 2 in rack b")
		})
	})
	// The replica of a leader goes to the other node of its rack, or stays where it is alone in it.
	if slices.ContainsFunc([]uint64{1, 2, 3, 4}, func(id uint64) bool { return id == leader }) {
		was := leader
		all[was-1].act(place(&meshosv1.RequestPlacement{Chain: 1, Replaces: &was}))
		c.become(1, "it has moved within the rack", func(l uint64, holders []uint64) bool {
			return !slices.Contains(holders, was) && oneARack(l, holders)
		})
	}
	// A member that may not hold chains any more is out of the cluster.
	five := all[4]
	five.mu.Lock()
	five.cfg.ChainsListen = ""
	five.mu.Unlock()
	c.everybody()
	c.until("m5 holds no chains any more", func() bool { return five.node().holder.Load() == nil })
	c.until("m5 is not heard as one that does", func() bool {
		h := all[0].node().holder.Load()
		return h != nil && h.there(time.Now())[4] != nil && h.there(time.Now())[5] == nil
	})
	c.become(1, "it goes on without m5", func(l uint64, _ []uint64) bool { return l != 5 })
}

func containsAll(text string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}
