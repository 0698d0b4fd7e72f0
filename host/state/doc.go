// Package state folds the inputs of a node into a State: what the node knows and what
// should be.
//
// A State is owned by one goroutine. Apply, Tick and HandOut change it, and time comes in
// as an argument. The package reads no clock, does no I/O, starts no goroutine and logs
// nothing. It does not decide what to do: host/reconcile does that from a State.
//
// # What changed, and what is due
//
// Nothing is walked at every tick. Entries of the tables (daemons, chains, peers, the avoid
// list) are written to only through ensure, edit, touch and remove, which list the key for the
// readers of marks: the tick itself, the decisions, the snapshot. What changes by itself is in
// a queue by the time at which it is due (due.go); a tick touches what is due. Decisions about
// chains ask of nodes only their facts (facts.go); a fact that changes touches the chains for
// which the node matters (chainsof.go). What concerns everything, such as the phase of this
// node, touches all (touched.go).
//
// Whoever adds a field that is decided with or shown:
//
//   - writes it after ensure, edit or touch, and touches nothing if nothing changes;
//   - if a tick is to change the entry at some instant, adds that to scheduleDaemon or
//     schedulePeer, and does it in tickDaemon, tickPeer or tickChains;
//   - if only what is decided or shown changes with the time, calls dueAt where the instant is
//     set: the tick at which an entry is looked at first may be later than that;
//   - if a chain's decisions ask it of another node, adds a fact;
//   - if everything depends on it, adds it to wholes.
//
// TestATickMissesNothing and TestWhatChangesIsTouched then find what was forgotten, if the
// histories of internal/statetest have it. In a node that runs, the slices do (slice.go).
package state
