package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// Source is what counts and gauges are read from at each scrape. All of it is
// required, and may be called from several goroutines at once.
type Source struct {
	// Latest returns the newest snapshot, never nil.
	Latest func() *snapshot.Snapshot
	// EventQueue and ActionQueue return how many events and actions wait.
	EventQueue, ActionQueue func() int
	// Commands returns how many signed commands were judged, by verdict.
	Commands func() map[string]uint64
	// Suppressed returns how many lines of daemons were left out of the log.
	Suppressed func() uint64
	// LostLines returns how many lines of the process's own log could not be written.
	LostLines func() uint64
	// Capacity returns the bounds of what the node remembers, by their key.
	Capacity func() map[string]int
	// Refused calls each with what was refused because of them.
	Refused func(each func(source, what string, n uint64))
	// Records returns how a chain of records fares on disk.
	Records func(c mesh.RecordChain) RecordsState
	// RecordsFree returns how many bytes the disk of the records has left for this user.
	RecordsFree func() (bytes uint64, known bool)
	// Names returns how the lookups of peers' host names fare.
	Names func() NamesState
	// Mesh returns how the node takes part in its mesh.
	Mesh func() MeshState
	// AuditFull reports whether ordinary commands are refused for want of room.
	AuditFull func() bool
}

// group is the metrics of one subject.
type group interface {
	families() []family
	collect(out scrape, snap *snapshot.Snapshot)
}

// collector turns a Source into metrics at each scrape.
type collector struct {
	latest func() *snapshot.Snapshot
	groups []group
}

func newCollector(src Source, crashes *crashes, waits *waits) *collector {
	return &collector{src.Latest, []group{
		newNode(src), newMaintenance(), newPeers(), newMesh(src), newDaemons(crashes), newPlugins(), newRecords(src, waits),
		newCapacity(src), newNames(src), newMachine(),
	}}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, g := range c.groups {
		for _, f := range g.families() {
			ch <- f.desc
		}
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	snap := c.latest()
	for _, g := range c.groups {
		g.collect(ch, snap)
	}
}
