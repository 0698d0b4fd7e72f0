// Package standby is what a shim is while its daemon runs, perhaps for months: a process that
// waits, and stores what the daemon prints, in as little memory as a Go program takes.
//
// Once its daemon runs, a shim writes a State and executes itself anew (process.Spawner.Become),
// so that nothing is left of what the start took. In the new program the initialization of
// this package comes before almost all others, since it imports so little: it finds the State by
// Variable, responds to the node, waits, and stores whole lines. At anything else, such as a
// signal, the end of the main process or a write that fails, it stores in the State how far
// it came, and lets the initialization go on. Then the program is a whole shim, which Loads the
// State.
//
// It starts no goroutine, makes no garbage, and has no timer while nothing is printed.
package standby
