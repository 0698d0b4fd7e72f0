package metrics

import "github.com/meshos/meshos/host/snapshot"

// capacity is the metrics of how much the node may remember.
type capacity struct {
	src Source

	limit, refused family
}

func newCapacity(src Source) *capacity {
	return &capacity{
		src:     src,
		limit:   gauge("capacity", "How much of a thing the node may remember, by the key of [capacity].", "what"),
		refused: counter("capacity_refused_total", "Events and commands that were refused because of [capacity], by its key.", "source", "what"),
	}
}

func (c *capacity) families() []family { return []family{c.limit, c.refused} }

func (c *capacity) collect(out scrape, _ *snapshot.Snapshot) {
	for what, n := range c.src.Capacity() {
		out.set(c.limit, float64(n), what)
	}
	c.src.Refused(func(source, what string, n uint64) { out.set(c.refused, float64(n), valid(source), what) })
}
