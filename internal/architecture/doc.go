// Package architecture holds the rules of docs/architecture.md that a compiler does
// not: in which direction packages import each other, and that the core is pure. It
// has tests only.
//
// The rules are the tables in rules_test.go. They name folders where they can, so that
// a new package of host falls under a rule without being listed.
//
// It looks at files that are built into programs. Tests may import what they like.
package architecture
