package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/meshos/meshos/host/snapshot"
)

// Source is what the counts are read from.
type Source struct {
	// Latest is the newest snapshot; never nil.
	Latest func() *snapshot.Snapshot
	// EventQueue and ActionQueue say how much is waiting.
	EventQueue, ActionQueue func() int
	// Commands counts the signed commands that were judged, by verdict; nil for none.
	Commands func() map[string]uint64
	// Suppressed counts lines of daemons that were left out of the log; nil for none.
	Suppressed func() uint64
}

// Metrics is the registry of one node.
type Metrics struct {
	registry *prometheus.Registry

	tick    prometheus.Histogram
	actions *prometheus.CounterVec
	action  *prometheus.HistogramVec
	call    *prometheus.HistogramVec
}

// New gives the metrics of a node that runs the given version.
func New(version string, src Source) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		tick: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "meshos_tick_duration_seconds",
			Help:    "From the fold of the samples to the published snapshot.",
			Buckets: prometheus.ExponentialBuckets(50e-6, 2.5, 11), // 50 µs … 0.5 s
		}),
		actions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meshos_actions_total",
			Help: "Actions by kind and by how they ended: dispatched, failed, gated or withdrawn.",
		}, []string{"kind", "outcome"}),
		action: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "meshos_action_duration_seconds",
			Help:    "How long carrying out an action took.",
			Buckets: prometheus.ExponentialBuckets(100e-6, 4, 10), // 0.1 ms … 26 s
		}, []string{"kind"}),
		call: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "meshos_plugin_call_duration_seconds",
			Help:    "How long calls to plugins took, by method.",
			Buckets: prometheus.ExponentialBuckets(100e-6, 2.5, 12), // 0.1 ms … 2.4 s
		}, []string{"plugin", "method"}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "meshos_build_info",
		Help: "Always 1; the label says what runs.",
	}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	m.registry.MustRegister(
		m.tick, m.actions, m.action, m.call, build, newSnapshotCollector(src),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Registry is what the HTTP handler serves.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Tick observes one tick.
func (m *Metrics) Tick(took time.Duration) { m.tick.Observe(took.Seconds()) }

// Action observes the end of one action. One that was not begun has no duration.
func (m *Metrics) Action(kind, outcome string, took time.Duration) {
	m.actions.WithLabelValues(kind, outcome).Inc()
	if took > 0 {
		m.action.WithLabelValues(kind).Observe(took.Seconds())
	}
}

// Call observes one call to a plugin.
func (m *Metrics) Call(plugin, method string, took time.Duration) {
	m.call.WithLabelValues(plugin, method).Observe(took.Seconds())
}
