// Package reconcile decides what a node does about the difference between what it knows
// and what should be.
//
// Pass is one tick of a node: it folds the tick, decides, and hands out those of the wanted
// actions that are not under way already and find room in the queue. Deciding is a pure
// function of the State. It is divided into arms, one for each concern (daemons, replica
// count, locality …). The arms come in a fixed order and go through their subjects by id,
// so the order of actions is always the same.
//
// ExplainDaemon, ExplainPeer and ExplainChain put into words why the arms act or do not.
//
// The package carries no action out: host/executor does.
package reconcile
