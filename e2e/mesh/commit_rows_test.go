package mesh

import (
	"slices"
	"sync"
	"time"
)

// ordersFromAllAtOnce has all nodes order 300 things at the same time.
func ordersFromAllAtOnce(w *world, o *orders) {
	const each = 60
	w.cordon(o, 1, "the first one") // there is a leader
	before := w.equal(1, five...)
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	for _, id := range five {
		all.Go(func() {
			for accepted := 0; accepted < each && w.t.Context().Err() == nil; {
				began := time.Now()
				if w.tryCordon(o, id, "at once") != nil {
					pause(w.t.Context(), between)
					continue
				}
				accepted++
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
			}
		})
	}
	all.Wait()
	w.equal(before+uint64(each*len(five)), five...)
	slices.Sort(took)
	w.t.Logf("%d orders from %d nodes at once were each accepted within %s (median), %s (p99)", len(took), len(five),
		took[len(took)/2].Round(time.Millisecond), took[len(took)*99/100].Round(time.Millisecond))
}
