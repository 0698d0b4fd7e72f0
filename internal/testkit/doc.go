// Package testkit is what tests of several packages share: waiting for a condition, running more
// of them at a time or fewer cases of them, writing programs, looking at processes, terminals, and
// SSH keys with an agent. It is for tests only and knows nothing about meshos.
package testkit
