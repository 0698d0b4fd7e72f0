// Package state folds everything a node hears into what it knows (Actual) and
// what it should be (Desired).
//
// A State is owned by one goroutine. It is changed by Apply, by Tick and by the
// hand-out of actions, each with the time handed in; it reads no clock, does no
// I/O, starts no goroutine and logs nothing. It decides nothing either:
// host/reconcile compares the two halves and says what to do.
package state
