// Package families chooses among the addresses of a peer: a name may have some of both families,
// of which one may be dead.
//
// candidates.go says in which order addresses are tried, choice.go which of them is used. The
// choice reads no clock and does no I/O; attempts are reported to it.
package families
