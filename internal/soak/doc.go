// Command soak runs a node with 50 daemons of all sorts through bad days, and looks from outside
// whether supervision holds: exactly one process of each daemon that should run, none of those that
// should not, and never two at once; every line that was taken is recorded or counted; descriptors,
// memory and processes are flat.
//
// A day is chaos, then peace. In chaos daemons, their children, shims, checks, the watcher and the
// node are killed and stopped at random, the disk is filled and emptied, output floods, the
// configuration is changed and reloaded, operators start, stop, restart and drain. In peace the node
// is left alone and judged twice: with what was ordered and changed, and once all daemons should
// run again.
//
// It judges by /proc and by marks that the daemons (internal/soak/actor) write, not by what the
// node says: each holds a lock and a port, counts its runs, and numbers its lines. What it does
// depends on the seed alone, but for the timing. If something does not hold it prints the seed and
// what it did last, and keeps the folder.
//
// Nothing is judged by time: peace is waited for, for much longer than it may take.
package main
