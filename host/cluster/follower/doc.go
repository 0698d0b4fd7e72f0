// Package follower is a node's part in the ordered log of a mesh, as a state machine: it is told
// what came and what time it is, and says what to do.
//
// A Follower takes the entries that the mesh plugin brings, and what others say of the end of
// the log. It says what is to be written to disk, what may be done then, where the log of the
// others went back or forked, and with which entries it is to be filled up. An Order is one
// order of this node on its way into the log.
//
// The package computes only: it reads no clock, starts no goroutine and does no I/O. Its shell
// in a node is host/meshlog; internal/sim runs many of them in one process, so both run the
// same decisions.
package follower
