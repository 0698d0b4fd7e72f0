// Package control tells control sinks what supervised daemons should know: that
// this node is being drained and that it is over, that too much is waiting, that
// the node ends.
//
// What there is to tell is derived from the published snapshots, and pure
// (control.go). Telling holds up nobody but who asks for it (WaitDelivered): each sink has a
// queue of its own, of at most one event of each kind, and a goroutine that empties
// it. An event that can't be delivered is lost, with one failure record for each
// outage; a sink that comes late, or again with another process, is told how things
// stand.
//
// It decides nothing, and does not speak of a single daemon: an event carries no
// daemon's name.
package control
