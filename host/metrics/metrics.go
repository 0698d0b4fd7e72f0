package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/meshos/meshos/host/mesh"
)

// Metrics is the registry of one node, with the metrics that are recorded as things
// happen.
type Metrics struct {
	registry *prometheus.Registry
	labelled prometheus.Registerer // registry, with the label node

	tick     prometheus.Histogram
	actions  *prometheus.CounterVec
	action   *prometheus.HistogramVec
	call     *prometheus.HistogramVec
	rtt      prometheus.Histogram
	failures *prometheus.CounterVec
	crashes  *crashes
	waits    *waits
	reloads  reloads
}

// Node is the node whose metrics these are.
type Node struct {
	ID      mesh.NodeID
	Name    string
	Cluster string
	Version string
	Start   time.Time
}

// New makes the metrics of a node. Those that are read from other parts of the node are
// added by Register.
func New(node Node) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		waits:    &waits{},
		crashes:  &crashes{byDaemon: make(map[mesh.DaemonID]uint64)},
		reloads:  newReloads(node.Start),
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
		rtt: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "meshos_rtt_seconds",
			Help:    "Measured round-trip times to all peers together.",
			Buckets: prometheus.ExponentialBuckets(100e-6, 2.5, 12), // 0.1 ms … 2.4 s
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meshos_failures_total",
			Help: "Failure records by source, without the numbers of actions and migrations.",
		}, []string{"source"}),
	}
	m.labelled = prometheus.WrapRegistererWith(prometheus.Labels{"node": strconv.FormatUint(uint64(node.ID), 10)}, m.registry)
	m.labelled.MustRegister(m.tick, m.actions, m.action, m.call, m.rtt, m.failures)
	m.labelled.MustRegister(m.reloads.collectors()...)
	m.labelled.MustRegister(
		always1("meshos_build_info", "Always 1; the label is the version that runs.", "version", node.Version),
		always1("meshos_node_info", "Always 1; the labels are the node's name and cluster.", "name", valid(node.Name), "cluster", valid(node.Cluster)),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// always1 returns a gauge that carries labels, which are given as name and value.
func always1(name, help string, labels ...string) prometheus.Collector {
	constant := prometheus.Labels{}
	for i := 0; i < len(labels); i += 2 {
		constant[labels[i]] = labels[i+1]
	}
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: constant})
	g.Set(1)
	return g
}

// Register adds the metrics that are read at each scrape. It is called once, when
// what it reads from exists.
func (m *Metrics) Register(src Source) {
	m.labelled.MustRegister(newCollector(src, m.crashes, m.waits))
}

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

// DaemonCrashed records a crash of a daemon.
func (m *Metrics) DaemonCrashed(d mesh.DaemonID) { m.crashes.add(d) }
