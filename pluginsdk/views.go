package pluginsdk

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// viewCache holds the views that were scored last, so that the host needs to send only what
// changed. Views are never changed in place: one may still be scored while the next is
// made.
type viewCache struct {
	mu   sync.Mutex
	held []View // newest last, at most keptViews
}

// keptViews is two: the host sends changes to the last view whose answer it received.
// If the newest answer was lost, that is the view before.
const keptViews = 2

// view returns the view that the request describes. For a change to a view that is not
// held it returns FailedPrecondition: then the host sends the whole view.
func (k *viewCache) view(req *pluginv1.ScoreRequest) (View, error) {
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

// scored keeps a view whose scores were answered.
func (k *viewCache) scored(v View) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = slices.DeleteFunc(k.held, func(old View) bool { return old.Version == v.Version })
	k.held = append(k.held, v)
	if extra := len(k.held) - keptViews; extra > 0 {
		k.held = slices.Delete(k.held, 0, extra)
	}
}

func nodeID(n *pluginv1.NodeView) uint64 { return n.GetPeer().GetPeer() }

// merge returns a new list sorted by id: old without the removed, and with the changed
// inserted or replaced. Of several changes to one id the last counts.
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
