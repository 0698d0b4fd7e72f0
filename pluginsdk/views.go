package pluginsdk

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// viewKeeper holds the views that were scored last, so that the host need only
// send what changed. Views are never changed in place: scoring one goes on while
// the next is made.
type viewKeeper struct {
	mu   sync.Mutex
	held []View // newest last, at most keptViews
}

// keptViews is two, because the host goes on from the last answer it got: if the
// newest one was lost, that is the view before.
const keptViews = 2

// view is what the request describes. A change to a view that is not held is a
// FailedPrecondition: the host then sends the whole.
func (k *viewKeeper) view(req *pluginv1.ScoreRequest) (View, error) {
	base := View{}
	if !req.GetFull() {
		k.mu.Lock()
		i := slices.IndexFunc(k.held, func(v View) bool { return v.Version == req.GetBaseVersion() })
		if i >= 0 {
			base = k.held[i]
		}
		k.mu.Unlock()
		if i < 0 {
			return View{}, FailedPrecondition(fmt.Errorf(
				"no view of version %d is held to apply a change to: send the whole view", req.GetBaseVersion()))
		}
	}
	return View{
		Version: req.GetViewVersion(),
		Nodes:   merge(base.Nodes, req.GetNodes(), req.GetRemovedNodes(), nodeID),
		Chains:  merge(base.Chains, req.GetChains(), req.GetRemovedChains(), (*pluginv1.ChainView).GetChain),
	}, nil
}

// scored remembers a view whose scores were answered.
func (k *viewKeeper) scored(v View) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = slices.DeleteFunc(k.held, func(old View) bool { return old.Version == v.Version })
	k.held = append(k.held, v)
	if extra := len(k.held) - keptViews; extra > 0 {
		k.held = slices.Delete(k.held, 0, extra)
	}
}

func nodeID(n *pluginv1.NodeView) uint64 { return n.GetPeer().GetPeer() }

// merge is a new list: old without the removed, with the changed put in or
// replaced, sorted by id. Of several changes to one id the last counts.
func merge[T any](old, changed []T, removed []uint64, id func(T) uint64) []T {
	byID := func(a, b T) int { return cmp.Compare(id(a), id(b)) }
	changed = slices.Clone(changed)
	slices.Reverse(changed)
	slices.SortStableFunc(changed, byID)
	changed = slices.CompactFunc(changed, func(a, b T) bool { return id(a) == id(b) })
	gone := make(map[uint64]bool, len(removed))
	for _, r := range removed {
		gone[r] = true
	}

	out := make([]T, 0, len(old)+len(changed))
	for _, o := range old {
		for len(changed) > 0 && id(changed[0]) < id(o) {
			out, changed = append(out, changed[0]), changed[1:]
		}
		switch {
		case len(changed) > 0 && id(changed[0]) == id(o):
			out, changed = append(out, changed[0]), changed[1:]
		case !gone[id(o)]:
			out = append(out, o)
		}
	}
	return append(out, changed...)
}
