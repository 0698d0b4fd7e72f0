package sim

import (
	"slices"
	"time"

	"github.com/meshos/meshos/host/cluster/follower"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/scenario"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// talk says to the leading seed how this node is, and hears how the log is.
func (n *node) talk() {
	e := n.w.engine
	if leader := e.leader; leader != 0 && n.w.linked(n.id, leader) {
		height := n.f.State().Height()
		n.w.send(n.id, leader, func() {
			e.heard[n.id] = said{height, n.w.now}
			if e.leader != leader {
				return
			}
			link := e.link()
			n.w.send(leader, n.id, func() { n.hear(link) })
		})
	}
	if n.linked && n.w.now.Sub(n.heard) > forgets {
		n.linked = false
		n.must(n.f.Linked(&meshosv1.MeshLink{Error: "no seed is heard"}))
	}
}

// hear hears of the link, and of the end of the log.
func (n *node) hear(link *meshosv1.MeshLink) {
	n.heard, n.linked = n.w.now, true
	n.must(n.f.Linked(link))
	n.catchUp()
	if link.GetBeacon().GetHeight() > n.f.State().Height() {
		n.hint()
	}
	if _, back := n.f.WentBack(); back && !n.filling {
		n.filling = true
		n.after(time.Duration(n.w.rng.Int64N(int64(400*time.Millisecond))), func() {
			from, back := n.f.WentBack()
			n.filling = back
			if back {
				n.fill(from)
			}
		})
	}
	n.look()
}

// fill fills the log of the others up from a height on.
func (n *node) fill(height uint64) {
	in, err := n.f.Fill(height)
	n.must(err)
	if in == nil {
		n.filling = false
		return
	}
	n.call(in, func(a follower.Answer) {
		if n.filling = a == follower.Appended; n.filling {
			n.fill(height + 1)
		}
	})
}

// call calls Order, and hears the answer in time or that it is not known.
func (n *node) call(in *pluginv1.OrderRequest, then func(follower.Answer)) {
	done := false
	answered := func(a follower.Answer) {
		if !done {
			done = true
			then(a)
		}
	}
	n.after(timeout, func() { answered(follower.Unknown) })
	n.w.engine.order(n, in, answered)
}

// hint hears that there is more of the log.
func (n *node) hint() {
	e := n.w.engine
	if n.fetching || e.leader == 0 || !n.w.linked(n.id, e.leader) {
		return
	}
	if why, _ := n.f.Frozen(); why != "" {
		return
	}
	n.fetching = true
	leader, height, over := e.leader, n.f.State().Height(), false
	n.after(timeout, func() {
		if !over {
			over, n.fetching = true, false
		}
	})
	n.w.send(n.id, leader, func() {
		if e.leader != leader {
			return
		}
		entries := n.told(e.after(height))
		n.w.send(leader, n.id, func() {
			if !over {
				over, n.fetching = true, false
				n.take(entries)
			}
		})
	})
}

// told is what the node's plugin makes of entries.
func (n *node) told(entries []*meshosv1.LoggedEntry) []*meshosv1.LoggedEntry {
	if n.lie == "" || len(entries) == 0 {
		return entries
	}
	entries = slices.Clone(entries)
	switch n.lie {
	case "gap":
		entries = entries[1:]
	case "reorder":
		slices.Reverse(entries)
	case "flip":
		at := n.w.rng.IntN(len(entries))
		raw := slices.Clone(entries[at].GetEntry())
		raw[n.w.rng.IntN(len(raw))] ^= 1 << n.w.rng.IntN(8)
		entries[at] = &meshosv1.LoggedEntry{Entry: raw, LogTime: entries[at].GetLogTime()}
	}
	return entries
}

// take takes entries that the plugin brings.
func (n *node) take(entries []*meshosv1.LoggedEntry) {
	before := n.f.State().Height()
	err := n.f.Take(entries)
	if err != nil {
		n.w.tracef("node %d: %v", n.id, err)
		n.after(100*time.Millisecond, n.hint)
	}
	n.w.oracle.sums(n)
	n.write()
	if err == nil && n.f.State().Height() > before && len(entries) == 100 {
		n.hint()
	}
}

// write writes what was folded to disk, and then has it done.
func (n *node) write() {
	unwritten, _ := n.f.Unwritten()
	if len(unwritten) == 0 || n.writing {
		return
	}
	if n.w.opts.Break == ActsBeforeDisk {
		for _, t := range n.f.Written(len(unwritten)) {
			n.fold(t)
		}
		n.look()
	}
	if n.killedAt(scenario.Recording) {
		return
	}
	n.writing = true
	n.after(time.Duration(1+n.w.rng.IntN(5))*time.Millisecond, func() {
		n.writing = false
		n.disk = append(n.disk, unwritten...)
		if n.w.opts.Break == ActsBeforeDisk || n.killedAt(scenario.Recorded) {
			return
		}
		for _, t := range n.f.Written(len(unwritten)) {
			n.fold(t)
		}
		n.look()
		n.write()
	})
}

// fold does what an entry led to, which is on disk.
func (n *node) fold(t follower.Taken) {
	n.f.Folded(t, n.apply(t))
}

// apply has the core fold an entry.
func (n *node) apply(t follower.Taken) mesh.AuditRecord {
	out := n.w.verdict(n, t.Out)
	n.w.oracle.folds(n, t, out)
	n.folded, n.head = out.Place.Height, t.Hash
	in := out.Order
	if in.Event == nil {
		return mesh.AuditRecord{Outcome: in.Outcome, Ordered: in.Ordered}
	}
	n.s.Apply(n.stamp(), n.w.input(out, n.wall()))
	audit := n.s.Audit()
	return audit[len(audit)-1]
}
