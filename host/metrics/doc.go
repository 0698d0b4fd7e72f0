// Package metrics offers what a node does to Prometheus.
//
// Counts and gauges are read from the published snapshot when somebody scrapes;
// only durations are observed as they happen. Names and units follow the
// Prometheus conventions: seconds, bytes, _total for counters.
//
// It measures nothing itself and is not asked by anything that decides.
package metrics
