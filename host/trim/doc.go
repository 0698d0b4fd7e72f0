// Package trim gives memory back to the system when a process is quiet.
//
// After a flood the Go runtime keeps twice what is in use, which is right while work goes on:
// collecting seldom is cheap. A node that then only ticks makes hardly any garbage, so the next
// collection would come hours later.
//
// The package does nothing while the process allocates, and limits nothing: it is not a memory
// limit.
package trim
