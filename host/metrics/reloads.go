package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// reloads is the metrics of the configuration that is in force.
type reloads struct {
	total      *prometheus.CounterVec
	successful prometheus.Gauge
	at         prometheus.Gauge
}

// newReloads returns those of a node that has read its configuration at its start.
func newReloads(start time.Time) reloads {
	r := reloads{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "meshos_config_reloads_total",
			Help: "Reloads of the configuration by result: taken_over, in_part (the rest needs a restart, or a plugin refused it) or rejected.",
		}, []string{"result"}),
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "meshos_config_last_reload_successful",
			Help: "1 if the file that was read last is in force as a whole, 0 if it was rejected or taken over in part.",
		}),
		at: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "meshos_config_last_reload_success_timestamp_seconds",
			Help: "When the configuration was last taken over, at the start or by a reload.",
		}),
	}
	for _, result := range []ReloadResult{TakenOver, InPart, Rejected} {
		r.total.WithLabelValues(string(result))
	}
	r.successful.Set(1)
	r.at.Set(seconds(start))
	return r
}

func (r reloads) collectors() []prometheus.Collector {
	return []prometheus.Collector{r.total, r.successful, r.at}
}

// ReloadResult is what became of a reload.
type ReloadResult string

// The results.
const (
	TakenOver ReloadResult = "taken_over"
	InPart    ReloadResult = "in_part" // the rest needs a restart, or a plugin refused it
	Rejected  ReloadResult = "rejected"
)

// Reloaded records a reload that ended at the given time.
func (m *Metrics) Reloaded(result ReloadResult, at time.Time) {
	m.reloads.total.WithLabelValues(string(result)).Inc()
	m.reloads.successful.Set(truth(result == TakenOver))
	if result != Rejected {
		m.reloads.at.Set(seconds(at))
	}
}

// seconds returns a time as Prometheus writes it.
func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
