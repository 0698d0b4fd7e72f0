// Package shim is the small process that stands between a node and one daemon, so
// that the daemon outlives the node: it is the daemon's parent, takes its output
// into bounded files (host/daemon/spool) and notes how it ended. A node that starts
// finds the note, and goes on with the same process.
//
// It decides nothing: it never restarts the daemon, keeps no time and speaks no
// protocol. What it is to start it is told once, on descriptor 3; it answers once,
// on descriptor 4; after that it hears signals only. SIGTERM is passed on to the
// daemon's process group, SIGUSR1 kills the group. When the daemon has ended and its
// output is stored, the shim ends as well.
//
// If the shim itself is killed the kernel kills the daemon with it (Pdeathsig): a
// daemon that nobody watches could run twice. A lock on the daemon's folder, held
// for the life of the shim, keeps a second one away whatever the files say.
//
// It knows the daemon by pid and is its parent, so its signals can't reach a
// stranger; and the node knows the shim by pid, start time and boot id, through a
// pidfd.
package shim
