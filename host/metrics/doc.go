// Package metrics provides Prometheus with the metrics of a node.
//
// Counts and gauges are read from the published snapshot and from other parts of the
// node at each scrape (Source). Only durations and the ends of actions are recorded as
// they happen. Names and units follow the Prometheus conventions: seconds, bytes, _total
// for counters.
//
// It measures nothing itself, and nothing that decides reads it.
package metrics
