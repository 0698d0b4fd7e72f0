// Package reconcile decides what a node does about the difference between what it knows
// and what should be.
//
// Pass is one tick of a node: it folds the tick, decides, and hands out those of the wanted
// actions that are not under way already and find room in the queue. Deciding is a pure
// function of the State. It is divided into arms, one for each concern (daemons, replica
// count, locality …). The arms come in a fixed order and go through their subjects by id,
// so the order of actions is always the same.
//
// A Reconciler makes the same passes, and decides anew only about the scope of each: the
// subjects that were touched, those that are due, those of forced orders, and a slice of
// everything. What it decided about the others still stands. It may, since an arm's decision
// about a subject depends on nothing but the subject's entry, the entries that touch it too
// (see host/state), and what concerns everything. So an arm:
//
//   - goes through daemonsToDecide, chains or peers, and does not ask which ones these are;
//   - decides about one subject without regard to what it decides about another;
//   - leaves to complete what depends on the moment in which an action is handed out, such as
//     deadlines and lists of excluded nodes: a want may have to wait;
//   - asks the State only for what touches its subject when it changes.
//
// TestAPassThatDecidesWhatChangedDecidesTheSame compares the two over random histories. In a
// node that runs, a slice that finds something else than what stands is a failure record, and
// is counted.
//
// ExplainDaemon, ExplainPeer and ExplainChain put into words why the arms act or do not.
//
// The package carries no action out: host/executor does.
package reconcile
