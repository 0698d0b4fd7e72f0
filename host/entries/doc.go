// Package entries keeps what a node knows of very many things, by their ids, in little memory:
// each thing has an entry at a place that never moves, is found by its id without a search, and
// is walked in the order of the ids, so that nothing depends on the order of a Go map.
//
// An id takes some 20 bytes beside its entry: itself, its place in the order, and up to three
// 32-bit fields of a hash table. A Go map of pointers and a sorted list took 60.
//
// The package knows nothing of what the entries are. A table is used by one goroutine.
package entries
