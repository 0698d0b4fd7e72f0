// Package e2e tests the built binaries as a user meets them: it starts a node on
// the shipped configuration, asks it with the command line, and does to it what
// happens on a bad day.
//
// It holds tests only. What one room can show is tested in that room.
package e2e
