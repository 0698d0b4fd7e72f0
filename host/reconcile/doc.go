// Package reconcile compares what a node knows with what should be and says what
// to do about the difference.
//
// Diff is a pure function of a State: it changes nothing, reads no clock and asks
// nobody. The order of its actions is part of its contract: the arms come in the
// order of their files' numbers in Diff, each walking its subjects by id. Pass is
// one tick of a node: it folds the tick, takes the Diff, holds back what was
// asked for already and hands out what there is room for.
//
// It carries nothing out; host/executor does.
package reconcile
