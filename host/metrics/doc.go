// Package metrics provides Prometheus with the metrics of a node.
//
// Most counts and gauges are read from the published snapshot and from other parts of the
// node at each scrape (Source); one file for each subject. Durations, round-trip times,
// crashes, reloads and failures are recorded as they happen. All have the node's id as
// label node. Names and units follow the Prometheus conventions: seconds, bytes, _total
// for counters.
//
// It measures nothing itself, and nothing that decides reads it.
package metrics
