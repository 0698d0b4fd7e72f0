// Package scoring asks the placement scorer to score the chains that this node leads,
// and brings its answers to the loop.
//
// One goroutine beside the loop follows the published snapshots. It keeps the view that
// the scorer has (all nodes, the led chains), sends the whole of it once and after that
// only what changed, and hands each answer to the loop, as a table for the tick whose
// view was scored. Chains are scored again at once when the holders, the wish or the
// leadership of one changed, when a fact about any node changed, or when a measurement
// of a node that holds one moved (facts.go defines how far). All chains are scored once
// per decision interval. Between two calls there is at least one tick, and more of many
// chains (schedule.go); after failures a growing pause.
//
// The view is not copied: it is read in the tables of the snapshot, and from one snapshot to
// the next only what changed is looked at. What the scorer answered last is held beside it,
// the nodes as they were sent, and the chains in the tables of that snapshot. The table of
// scores is held by the core alone; after the first one the loop gets what has changed in it.
//
// While the scorer is away, late or wrong nothing is rebalanced: its last table is
// taken back at once, and the snapshot shows the reason.
//
// Package scoring does not judge the scores. Whether a chain is moved is decided in
// host/reconcile, and how long a table counts in host/state. It knows neither plugin
// processes nor protobuf.
package scoring
