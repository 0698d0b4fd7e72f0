// Package loop is the one goroutine that owns a node's state.
//
// It takes events off a bounded queue and folds them, asks probes for samples at
// every tick, reconciles, hands out actions and publishes a snapshot. The other parts
// of the node have a few small types to talk to it: a Handle publishes events, a Feed
// brings in what the host itself found out and reads the state, Actions is the channel
// of what is to be done, a Reader reads the published snapshots, and Probes, Handlers
// and Slots hold what the loop calls.
//
// What can't wait for the next tick, such as an order, has an early tick: a pass alone.
//
// The loop waits for nobody. It calls probes and plugins in goroutines of their own,
// with a deadline and guarded against panics, and folds a late answer late. A caller
// may wait for the loop, never the other way round.
//
// The loop decides nothing. What an event means is defined in host/state, what should
// be done in host/reconcile; this package only determines when, in which order and
// with which time stamps. It carries out no action, and knows neither plugin processes
// nor protobuf.
package loop
