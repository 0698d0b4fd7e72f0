// Package snapshottest stands in for the loop towards those that follow its
// snapshots: a test publishes what they are to see. It is for tests only.
package snapshottest
