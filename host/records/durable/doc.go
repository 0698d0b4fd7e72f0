// Package durable keeps one chain of records on disk: a folder of segment files that
// are only ever appended to, linked by hashes from the first record to the last.
//
// One goroutine writes: it appends the entries that came together, and makes them durable
// with one sync. Any number of goroutines read, and see only what is durable. An entry
// that was durable once stays readable, or its damage is reported: after a failed write or
// sync a file is never written to again, and nothing behind damage is ever read.
//
// The package knows nothing of snapshots, appenders and plugins: that is host/records. The
// format of the files is host/records/segment.
package durable
