// Package loop is the one goroutine that owns a node's state.
//
// It takes events off a bounded queue and folds them, asks probes for samples at
// every tick, reconciles, hands out actions and publishes a snapshot. Everybody
// else talks to it through five doors: a Handle publishes events, a Feed brings
// back what the host itself found out, Actions gives what is to be done, a Reader
// gives the newest snapshot, and Probes, Handlers and Slots hold what is asked.
//
// The loop waits for nobody: what is outside runs in goroutines of its own, with
// a deadline and behind a recover, and what it says late is folded late. A caller
// may wait for the loop, never the other way round.
//
// The loop decides nothing. What an event means stands in host/state, what should
// be done in host/reconcile; this package only says when, in which order and with
// which time. It carries out no action, knows no plugin process and no protobuf.
package loop
