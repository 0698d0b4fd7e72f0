// Package meshtest has a mesh in memory, for tests: several nodes in one process, which are
// cut off from each other, slowed down and set back as a test says. And it checks what every
// plugin of the kind mesh must do.
//
// It is no engine to use: nothing is stored, and a Network orders for all of its nodes.
package meshtest
