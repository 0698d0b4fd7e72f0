package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
)

const (
	// A node keeps so much free on the disk of its chains, but not more than the 20th part of it: the log of
	// the mesh is there, too, and the engine stops when it finds no room.
	diskReserve = 32 << 20
	// leavesAtOnce is how many replicas one node has leave full ones at a time.
	leavesAtOnce = 4
)

// diskFull returns why nothing more fits on the disk of this node's chains, or "".
func (h *holder) diskFull() string {
	var s unix.Statfs_t
	if unix.Statfs(h.srv.StoreDir(), &s) != nil {
		return ""
	}
	free, all := int64(s.Bavail)*s.Bsize, int64(s.Blocks)*s.Bsize
	reserve := min(diskReserve, all/20)
	if free >= reserve {
		return ""
	}
	return fmt.Sprintf("the disk of its chains is full: %d KiB of %d are left, and it keeps %d free", free>>10, all>>10, reserve>>10)
}

// sayFull says once that the disk is full, until there is room again.
func (h *holder) sayFull() {
	why := h.diskFull()
	switch {
	case why != "" && !h.full:
		h.log.Warn("the chains that this node holds move to others", "why", why)
		h.failures.add("disk", fmt.Sprintf("%s: %s; its replicas move to other nodes as far as these take them: make room, or drain it", h.nameOf(h.id), why))
	case why == "" && h.full:
		h.log.Info("the disk of the chains has room again")
	}
	h.full = why != ""
}

// leaveFull has the replicas of chains that this node leads leave nodes whose disks are full.
func (h *holder) leaveFull(now time.Time) {
	full := map[uint64]bool{}
	for id, beat := range h.there(now) {
		if beat.GetFull() {
			full[id] = true
		}
	}
	if len(full) == 0 {
		clear(h.crowded)
		return
	}
	held, begun := h.held.now(), 0
	for _, id := range slices.Sorted(maps.Keys(held)) {
		i := held[id]
		c := h.members.Load().chains[id]
		if c == nil || c.GetDeleted() || i.Leader != hubName(h.id) || i.Changing {
			continue
		}
		at := slices.IndexFunc(i.Peers, func(p chains.Peer) bool { return full[seedOf(p.Name)] && !p.Pending })
		if at < 0 {
			continue
		}
		if m := h.underWay(id); m != nil {
			begun++
			continue
		}
		target := h.choose(c, i, i.Peers[at].Name, nil)
		if target == 0 {
			if !h.crowded[id] {
				h.crowded[id] = true
				h.failures.add(fmt.Sprintf("chain:%d", id), fmt.Sprintf(
					"chain %d (%s): the disk of %s, which holds it, is full, and no other node takes it", id, c.GetName(), h.nameOf(seedOf(i.Peers[at].Name))))
			}
			continue
		}
		if begun++; begun > leavesAtOnce {
			return
		}
		h.beginMove(id, chains.Change{Kind: chains.Swap, Stream: streamOf(c), Self: hubName(h.id), Victim: i.Peers[at].Name, Targets: []string{hubName(target)}})
	}
}
