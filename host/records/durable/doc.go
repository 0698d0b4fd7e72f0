// Package durable keeps one chain of records on disk: a folder of segment files that
// are only ever appended to, linked by hashes from the first record to the last.
//
// One goroutine writes: it appends what came together, and makes it durable with one
// sync. Any number read, and see only what is durable. What is on disk once stays
// believed or is reported: after a failed write or sync a file is never written to
// again, and what stands behind damage is never read.
//
// It knows no snapshots, appenders or plugins: that is host/records. The bytes are
// those of host/records/segment.
package durable
