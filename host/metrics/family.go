package metrics

import "github.com/prometheus/client_golang/prometheus"

// family is one metric that is read at each scrape.
type family struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string, labels ...string) family {
	return family{prometheus.NewDesc("meshos_"+name, help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) family {
	return family{prometheus.NewDesc("meshos_"+name, help, labels, nil), prometheus.CounterValue}
}

// scrape takes the values of one scrape.
type scrape chan<- prometheus.Metric

func (s scrape) set(f family, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
}

// setIf sets a value that is known, and leaves one that is not out.
func setIf[T ~int64 | ~uint32 | ~uint64 | ~float32 | ~float64](s scrape, f family, value *T, scale float64, labels ...string) {
	if value != nil {
		s.set(f, float64(*value)*scale, labels...)
	}
}

// setOne sets 1 for the present one of several states, and 0 for the others. The name of
// the state is the last label.
func setOne[T comparable](s scrape, f family, present T, names map[T]string, labels ...string) {
	for state, name := range names {
		s.set(f, truth(state == present), append(labels[:len(labels):len(labels)], name)...)
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
