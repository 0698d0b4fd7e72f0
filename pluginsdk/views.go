package pluginsdk

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/meshos/meshos/pluginsdk/internal/scorepages"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// viewCache holds the views that were scored last, so that the host needs to send only what
// changed. Views are never changed in place: one may still be scored while the next is
// made.
type viewCache struct {
	mu   sync.Mutex
	held []heldView // newest last, at most keptViews
}

// heldView is a view with what was answered for it.
type heldView struct {
	View
	answered scorepages.Answered // not known of version 1, whose answers are always whole
}

// keptViews is two: the host sends changes to the last view whose answer it received.
// If the newest answer was lost, that is the view before.
const keptViews = 2

// base returns the view that the request has changes to; the empty one for a whole view.
// For a view that is not held it returns FailedPrecondition: then the host sends the whole
// view.
func (k *viewCache) base(req *pluginv1.ScoreRequest) (heldView, error) {
	if req.GetFull() {
		return heldView{}, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range k.held {
		if v.Version == req.GetBaseVersion() {
			return v, nil
		}
	}
	return heldView{}, FailedPrecondition(fmt.Errorf(
		"no view of version %d is held to apply a change to: send the whole view", req.GetBaseVersion()))
}

// changed returns the view that a request leads to.
func (v View) changed(req *pluginv1.ScoreRequest) View {
	return View{
		Version: req.GetViewVersion(),
		Nodes:   merge(v.Nodes, req.GetNodes(), req.GetRemovedNodes(), nodeID),
		Chains:  merge(v.Chains, req.GetChains(), req.GetRemovedChains(), (*pluginv1.ChainView).GetChain),
	}
}

// leads reports whether a chain is in the view.
func (v View) leads(chain uint64) bool {
	_, led := slices.BinarySearchFunc(v.Chains, chain, func(c *pluginv1.ChainView, id uint64) int { return cmp.Compare(c.GetChain(), id) })
	return led
}

// scored keeps a view whose scores were answered.
func (k *viewCache) scored(v heldView) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = slices.DeleteFunc(k.held, func(old heldView) bool { return old.Version == v.Version })
	k.held = append(k.held, v)
	if extra := len(k.held) - keptViews; extra > 0 {
		k.held = slices.Delete(k.held, 0, extra)
	}
}

func nodeID(n *pluginv1.NodeView) uint64 { return n.GetPeer().GetPeer() }

// merge returns a new list sorted by id: old without the removed, and with the changed
// inserted or replaced. Of several changes to one id the last counts.
func merge[T any](old, changed []T, removed []uint64, id func(T) uint64) []T {
	changed = inOrder(changed, id)
	if len(old) == 0 {
		return changed
	}
	if len(changed)+len(removed) == 0 {
		return old // it is never changed in place
	}
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

// inOrder returns the items sorted by id. Of several with one id the last counts.
func inOrder[T any](items []T, id func(T) uint64) []T {
	sorted := true
	for i := 1; i < len(items) && sorted; i++ {
		sorted = id(items[i-1]) < id(items[i])
	}
	if sorted {
		return items
	}
	items = slices.Clone(items)
	slices.Reverse(items)
	slices.SortStableFunc(items, func(a, b T) int { return cmp.Compare(id(a), id(b)) })
	return slices.CompactFunc(items, func(a, b T) bool { return id(a) == id(b) })
}
