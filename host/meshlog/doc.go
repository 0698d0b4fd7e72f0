// Package meshlog keeps this node's record of the ordered log of a mesh, and orders what
// operators command here.
//
// Each entry that the mesh plugin brings is checked and judged (host/cluster), written to the
// record on disk and synced, and then handed to the node's loop. The record is the truth, not
// the plugin: where the log of the others went back, whoever has more fills it up again; where
// it forked, the node keeps its state and folds no more of it until `meshos mesh adopt`.
//
// Who orders waits until the order was folded here. It is refused at once where no quorum is
// reached, and nothing is ever queued for later. If nobody can say whether the log took it, the
// error says so.
//
// The package does not talk with the plugin itself: that is host/meshlink. What was ordered at
// this node's own door is in host/ordered.
package meshlog
