// Package snapshot builds the immutable view of a node that readers get.
//
// A Builder makes each Snapshot from the one before: it makes anew the entries that were
// touched, and both share the others (see shared.Table). Nothing in a snapshot changes later,
// so any number of readers may hold it as long as they like. It has instants in place of ages
// and remaining times, which would change at every tick; they are rendered when it is read,
// by its Now. The loop adds Plugins, Beside, Stats and Scheduler when it publishes a
// snapshot; a replay does not have them.
//
// The package reads the state and decides nothing.
package snapshot
