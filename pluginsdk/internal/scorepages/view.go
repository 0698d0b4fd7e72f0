package scorepages

import (
	"fmt"
	"iter"

	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// AddView adds a page of a view to the request that its pages are.
func AddView(to *pluginv1.ScoreRequest, page *pluginv1.ScoreViewPage) error {
	chains, holders := page.GetChains(), page.GetHolders()
	if len(page.GetHolderCounts()) != len(chains) || len(page.GetDesired()) != len(chains) {
		return fmt.Errorf("%d chains but %d holder_counts and %d desired",
			len(chains), len(page.GetHolderCounts()), len(page.GetDesired()))
	}
	to.Nodes = append(to.Nodes, page.GetNodes()...)
	to.RemovedNodes = append(to.RemovedNodes, page.GetRemovedNodes()...)
	to.RemovedChains = append(to.RemovedChains, page.GetRemovedChains()...)
	for i, id := range chains {
		n := int(page.GetHolderCounts()[i])
		if n > len(holders) {
			return fmt.Errorf("chain %d has %d holders, and the page only %d more", id, n, len(holders))
		}
		// Each has memory of its own: a view keeps some chains of a page for long.
		to.Chains = append(to.Chains, &pluginv1.ChainView{
			Chain: id, Holders: append(make([]uint64, 0, n), holders[:n]...), Desired: page.GetDesired()[i],
		})
		holders = holders[n:]
	}
	if len(holders) > 0 {
		return fmt.Errorf("%d holders belong to no chain", len(holders))
	}
	return nil
}

// SplitView returns the pages of a request, each of about limit bytes at most. The plugin is
// asked for pages of the same size.
func SplitView(req *pluginv1.ScoreRequest, limit int) iter.Seq[*pluginv1.ScoreViewPage] {
	return func(yield func(*pluginv1.ScoreViewPage) bool) {
		page := &pluginv1.ScoreViewPage{
			ViewVersion: req.GetViewVersion(), Full: req.GetFull(), BaseVersion: req.GetBaseVersion(), PageBytes: uint32(limit),
		}
		size := 0
		// room begins another page if this one has no room for so many bytes.
		room := func(bytes int) bool {
			if size > 0 && size+bytes > limit {
				if !yield(page) {
					return false
				}
				page, size = &pluginv1.ScoreViewPage{}, 0
			}
			size += bytes
			return true
		}
		for _, n := range req.GetNodes() {
			if !room(proto.Size(n) + 6) {
				return
			}
			page.Nodes = append(page.Nodes, n)
		}
		for _, id := range req.GetRemovedNodes() {
			if !room(8) {
				return
			}
			page.RemovedNodes = append(page.RemovedNodes, id)
		}
		for _, c := range req.GetChains() {
			if !room(18 + 8*len(c.GetHolders())) {
				return
			}
			page.Chains = append(page.Chains, c.GetChain())
			page.HolderCounts = append(page.HolderCounts, uint32(len(c.GetHolders())))
			page.Holders = append(page.Holders, c.GetHolders()...)
			page.Desired = append(page.Desired, c.GetDesired())
		}
		for _, id := range req.GetRemovedChains() {
			if !room(8) {
				return
			}
			page.RemovedChains = append(page.RemovedChains, id)
		}
		yield(page)
	}
}
