// Package records keeps the node's records: operator commands, log lines, failures and
// ends of actions.
//
// A writer follows the rings of the published snapshot and brings what is new to the
// node's own log, which is the truth: one chain of files per kind of record
// (host/records/durable). What one snapshot brings is written at once and synced once. It
// never holds the loop up; when a ring ran past it, the log gets a gap in its place.
//
// Each appender has a follower of its own, which reads the log from a cursor that
// outlives a restart. So a slow or absent appender delays neither the loop nor the
// others, and gets later what waits on disk. Appenders are expected to skip what they
// hold already (same chain, epoch and seq): after an error or a restart a batch may
// come again.
//
// Once a record is on disk and every appender of its chain holds it, the loop is told,
// and it is pending no more.
package records
