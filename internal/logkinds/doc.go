// Package logkinds counts lines of a log together that say the same of different things:
// when an uplink flaps, a probe says of 1,200 peers that they are unreachable.
//
// The first lines of a kind are shown as they are. The others of the next seconds are counted,
// and one line says how many there were, with counts of their causes and examples.
//
// It writes nothing and reads no clock, and limits no flood of lines of different kinds.
package logkinds
