// Package snapshot builds the immutable view of a node that readers get.
//
// A Snapshot is a value taken after one reconcile pass; nothing in it changes
// after it was built, so any number of readers may share it. Times in it are
// relative to TakenAt. Plugins, Stats and Scheduler are added when it is published
// and are no part of what a replay gives again.
//
// It reads state and decides nothing.
package snapshot
