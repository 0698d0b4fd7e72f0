// Package snapshottest replaces the loop in tests of packages that follow its snapshots: a
// test shows the snapshots that they are to see. It is for tests only.
package snapshottest
