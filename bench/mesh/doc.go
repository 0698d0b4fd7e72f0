// Command mesh measures a mesh of real nodes, in network namespaces on this machine, and prints
// a table beside what a bare prototype of the engine took. It needs root. Nothing is judged.
package main
