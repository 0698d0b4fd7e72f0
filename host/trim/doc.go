// Package trim gives memory back to the system when a process is quiet.
//
// After a flood the Go runtime keeps twice what is in use, which is right while work goes on:
// collecting seldom is cheap. A node that then only ticks makes hardly any garbage, so the next
// collection would come hours later.
//
// With it goes what of the program's own file and its libraries is mapped and was needed for the
// start only: two thirds of it. The system keeps that in its cache, and maps it again when it is
// used.
//
// The package does nothing while the process allocates, and limits nothing: it is not a memory
// limit.
package trim
