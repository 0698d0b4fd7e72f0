// Package testkit is what tests of several packages share: waiting for something
// that nobody tells of, looking at processes, a terminal. It is for tests only, and
// knows nothing of meshos.
package testkit
