package sim

import (
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// network is what is between the nodes.
type network struct {
	groups [][]int
	oneWay []pair
	delay  time.Duration
	loss   int // in percent
}

// pair is that what one node says does not reach another.
type pair struct{ from, to mesh.NodeID }

// group returns in which group of a cut a node is; -1 for those that no group names.
func (n *network) group(id mesh.NodeID) int {
	return slices.IndexFunc(n.groups, func(g []int) bool { return slices.Contains(g, int(id)) })
}

// reaches reports whether what a node says comes to another one that listens.
func (n *network) reaches(from, to mesh.NodeID) bool {
	return from == to || n.group(from) == n.group(to) && !slices.Contains(n.oneWay, pair{from, to})
}

// linked reports whether two nodes run and reach each other.
func (w *World) linked(a, b mesh.NodeID) bool {
	return w.node(a).alive() && w.node(b).alive() && w.net.reaches(a, b) && w.net.reaches(b, a)
}

// send has something happen at a node because of a message from another: later, or never.
func (w *World) send(from, to mesh.NodeID, do func()) {
	if !w.net.reaches(from, to) || from != to && w.rng.IntN(100) < w.net.loss {
		return
	}
	delay := time.Duration(100+w.rng.IntN(900)) * time.Microsecond
	if from != to && w.net.delay > 0 {
		delay += w.net.delay/2 + time.Duration(w.rng.Int64N(int64(w.net.delay)))
	}
	w.node(to).after(delay, do)
}
