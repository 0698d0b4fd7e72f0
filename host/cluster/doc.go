// Package cluster folds the ordered log of a mesh: what operators commanded for all nodes.
//
// A State is what the log alone leads to: who belongs to the mesh, who may command it, which
// commands were accepted, the freeze, and the last order about each subject. Two nodes that
// folded the same entries have equal states, whenever and in whatever portions the entries
// came to them: the verdict on a commit depends on the log alone. Its time is the time at
// which the log took it, so a node that reads the log a day later judges as all others did.
//
// The package computes only: it reads no clock, starts no goroutine and does no I/O. It keeps
// no entry (that is host/cluster/record) and carries no order out: what becomes of an order on
// a node is decided by the node's loop, which gets the verdicts.
//
// # An entry
//
// An entry holds the hash of the entry before and of the time at which the log took that one,
// and a signature of the host that ordered it, which has to be a member. An entry that does
// not continue the log is an error and changes nothing. An entry that does gets its height,
// whatever the verdict:
//
//  1. void: the clock of the host that ordered it and that of the log differ by more than 30 s.
//  2. A commit is judged by the rules of host/operator, in log time: malformed, only_on,
//     wrong_cluster, envelope_expired and so on, replayed, signatures and thresholds, cooldown.
//     That its simulation was shown is vouched for by the host that ordered it.
//  3. Commands about the mesh itself have rules of their own: membership, signers.
//  4. An order that names a node names a member: unknown_node.
//  5. The freeze comes last: freeze_in_effect.
//
// A commit that passes 2 uses its nonce up and starts its cooldown. Commands without a
// signature count while the mesh has no operators.
package cluster
