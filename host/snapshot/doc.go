// Package snapshot builds the immutable view of a node that readers get.
//
// A Snapshot is built from the State after a reconcile pass. Nothing in it changes later, so
// any number of readers may share it. Durations in it are relative to TakenAt. The loop adds
// Plugins, Stats and Scheduler when it publishes a snapshot; a replay does not have them.
//
// The package reads the state and decides nothing.
package snapshot
