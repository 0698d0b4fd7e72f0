// Package meshlab runs a mesh of real nodes on one machine, with the built binaries: as root
// each node has a network namespace of its own, joined by a netlab.Switch that can cut them off
// from each other; else each has an address of loopback.
//
// It knows nothing of tests: it starts, stops and damages what it is told to, and returns
// errors. `make run-mesh` runs it too.
package meshlab
