// Package state folds the inputs of a node into a State: what the node knows and what
// should be.
//
// A State is owned by one goroutine. Apply, Tick and HandOut change it, and time comes in
// as an argument. The package reads no clock, does no I/O, starts no goroutine and logs
// nothing. It does not decide what to do: host/reconcile does that from a State.
package state
