// Package records keeps the node's records: operator commands, log lines, failures and
// ends of actions.
//
// A writer follows the published snapshots and writes what is new in their rings to the
// node's own log, which is the truth: one chain of files per kind of record
// (host/records/durable). It writes and syncs once per snapshot. It never holds the loop
// up; if a ring overwrote records before they were written, the log gets a gap in their
// place.
//
// Each appender has a follower of its own, which reads the log from a cursor that is kept
// over restarts. So a slow or absent appender delays neither the loop nor the other
// appenders, and gets later what waits on disk. Appenders are expected to skip what they
// hold already (same chain, epoch and seq): after an error or a restart a batch may come
// again.
//
// Once a record is on disk and every appender of its chain holds it, the loop gets an
// acknowledgement, and the record is no longer pending.
package records
