package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics is the registry of one node, with the metrics that are recorded as things
// happen.
type Metrics struct {
	registry *prometheus.Registry

	tick    prometheus.Histogram
	actions *prometheus.CounterVec
	action  *prometheus.HistogramVec
	call    *prometheus.HistogramVec
}

// New makes the metrics of a node that runs the given version. Those that are read from
// other parts of the node are added by Register.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		tick: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "meshos_tick_duration_seconds",
			Help:    "How long a tick took, from folding the samples to publishing the snapshot.",
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
		Help: "Always 1; the label is the version that runs.",
	}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	m.registry.MustRegister(
		m.tick, m.actions, m.action, m.call, build,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Register adds the metrics that are read at each scrape. It is called once, when
// what it reads from exists.
func (m *Metrics) Register(src Source) { m.registry.MustRegister(newCollector(src)) }

// Registry returns what the HTTP handler serves.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Tick records how long one tick took.
func (m *Metrics) Tick(took time.Duration) { m.tick.Observe(took.Seconds()) }

// Action records how one action ended. took is 0 for one that was not begun.
func (m *Metrics) Action(kind, outcome string, took time.Duration) {
	m.actions.WithLabelValues(kind, outcome).Inc()
	if took > 0 {
		m.action.WithLabelValues(kind).Observe(took.Seconds())
	}
}

// Call records how long one call to a plugin took.
func (m *Metrics) Call(plugin, method string, took time.Duration) {
	m.call.WithLabelValues(plugin, method).Observe(took.Seconds())
}
