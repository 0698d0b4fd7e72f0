// Package chain brings the node's records to the appender plugins that store
// them: operator commands, log lines, failures and ends of actions.
//
// It follows the rings of the published snapshot. Each appender has a follower of
// its own with a cursor per chain of records, so a slow or absent one delays
// neither the loop nor the others; when it comes back it goes on where it was. A
// ring that ran past a cursor leaves a gap, which is counted and reported. Once
// every appender of a chain holds its records through a seq, the loop is told, and
// they are pending no more.
//
// It is not yet the node's own durable log: cursors live as long as the process,
// and so do records that nobody stored. Appenders are expected to skip what they
// hold already (same chain, epoch and seq).
package chain
