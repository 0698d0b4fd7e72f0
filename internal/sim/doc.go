// Package sim runs many nodes of a mesh in one process, without goroutines and without a clock:
// a queue of events, drawn from a seed, is all that happens.
//
// Each node has the real core: the fold of the ordered log (host/cluster), how it follows and
// orders (host/cluster/follower), the state (host/state) and the decisions (host/reconcile).
// What is simulated is what is around it: the disk, the network, the mesh plugin with its
// engine, which keeps the promises of the contract and no others, and an engine of chains that
// carries the actions out.
//
// After each step it is checked that
//
//   - nodes at equal heights of the same log have equal states of it, and the same verdicts;
//   - an order counts once at most, one that was acknowledged is never lost, and one that was
//     refused never counts;
//   - what a node acts by is what the log says up to the height that it folded, so nothing of
//     an order that was void;
//   - no removal takes a chain below the required number of live holders (rule B6), counted
//     over what all nodes really hold;
//   - faults lead to a bounded number of actions, and acting ends after them.
//
// What happens comes from a story (internal/scenario), of which Draw draws one from a seed.
package sim
