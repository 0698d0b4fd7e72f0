// Scorer-default is a placement_scorer: it scores the holders of the chains that this node
// leads, and names the best node that does not hold the chain yet.
//
// It has one formula (formula.go) and keeps no history. The host decides whether a move is
// worth its cost.
package main
