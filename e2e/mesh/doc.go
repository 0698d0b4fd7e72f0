// Package mesh tests a mesh of real nodes: the built binaries, in network namespaces that can
// be cut off from each other. It has tests only.
//
// Nothing here judges how long something takes: a test waits for what must become true, and
// looks at what must not have happened once something later has.
package mesh
