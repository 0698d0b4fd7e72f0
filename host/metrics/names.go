package metrics

import "github.com/meshos/meshos/host/snapshot"

// NamesState is how the lookups of peers' host names fare.
type NamesState struct {
	Names   map[string]int    // by what became of the last lookup of each
	Lookups map[string]uint64 // by how they ended
}

// names is the metrics of the host names of peers.
type names struct {
	src Source

	names, lookups family
}

func newNames(src Source) *names {
	return &names{
		src:     src,
		names:   gauge("names", "Host names of peers, by what became of the last lookup: found, no_such_name, failed or pending.", "lookup"),
		lookups: counter("name_lookups_total", "Lookups of host names of peers, by how they ended: found, no_such_name or failed.", "result"),
	}
}

func (n *names) families() []family { return []family{n.names, n.lookups} }

func (n *names) collect(out scrape, _ *snapshot.Snapshot) {
	state := n.src.Names()
	for lookup, count := range state.Names {
		out.set(n.names, float64(count), lookup)
	}
	for result, count := range state.Lookups {
		out.set(n.lookups, float64(count), result)
	}
}
