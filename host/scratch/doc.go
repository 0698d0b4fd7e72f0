// Package scratch keeps the memory of lists that are filled again and again, such as once a
// tick, so that a steady state allocates nothing; and lets go of it when much less has been
// needed for a while. Without that one flood would leave lists behind that are as long as
// everything a node knows.
//
// The package keeps no entries: a list that is filled again is empty.
package scratch
