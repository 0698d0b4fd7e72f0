// Package control tells control sinks what supervised daemons should know: that this
// node is being drained and when that is finished, that too much waits (backpressure)
// and when that is over, and that the node ends.
//
// What there is to tell is computed from the published snapshots by pure functions
// (stance.go). Nothing waits for a delivery but WaitDelivered and Shutdown: each sink has
// a queue of its own, of at most one event of each kind, and a goroutine that empties
// it. An event that can't be delivered is lost, with one failure record for each
// outage. A sink that is added later, or whose process is another one, first gets the
// events that describe the present state.
//
// Package control decides nothing, and no event is about a single daemon.
package control
