// Package marks notes which entries of a table were touched, for those who follow the table
// and want to look only at what changed.
//
// Each follower is a Reader. An entry carries a Set: for which readers it is in the list of
// touched keys already, so that a key is listed once however often it is touched, without a
// map and, in a steady state, without an allocation. A reader takes its list when it has dealt
// with it.
//
// A reader that has taken nothing yet has everything before it, and costs nothing. So has one
// whose list grew so long that walking the whole table is cheaper.
//
// The package does not know what the entries are, and keeps none of them.
package marks
