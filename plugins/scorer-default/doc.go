// Scorer-default is a placement_scorer: it rates how well each node would do as
// a holder of the chains that this node leads, and names the best node that
// does not hold them yet.
//
// It knows one formula (formula.go) and keeps no history. Whether a move is
// worth it is the host's decision, never its own.
package main
