// Package scoring has the placement scorer score the chains that this node leads,
// and brings its tables to the loop.
//
// One goroutine beside the loop follows the published snapshots. It keeps the view
// that the scorer holds (all nodes, the led chains), sends the whole of it once and
// then only what changed, and hands each answer on as an input of the loop, for the
// tick whose view was scored. A chain is scored again at once when its holders, its
// wish or its leadership changed, when a fact about any node turned, or when what
// was measured of one of its holders moved (facts.go says how far); all chains are
// scored once per decision interval. Between two calls there is at least one tick,
// and after failures a growing pause.
//
// A scorer that is away, late or wrong means no rebalancing: its last table is
// taken back at once, and the snapshot says why.
//
// It is not the judge: whether a chain is moved stands in host/reconcile, and how
// long a table counts in host/state. It knows no plugin process and no protobuf.
package scoring
