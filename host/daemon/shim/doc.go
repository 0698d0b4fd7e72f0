// Package shim is the small process between a node and one daemon, by which the daemon
// outlives the node: it is the daemon's parent, stores its output in bounded files
// (host/daemon/spool) and records how it ended. The next node finds the record, and goes on
// with the same process.
//
// It decides nothing: it never restarts the daemon, sets no deadline for its main process and
// speaks no protocol.
// It gets one request, on descriptor 3, and sends one response, on descriptor 4; after that
// it reacts to signals only. SIGTERM asks the daemon to end, in its kill mode and with its own
// signal, SIGUSR1 kills it. When the daemon has ended and its output is stored, the shim ends
// too.
//
// The shim is a subreaper: whoever descends from the daemon and loses its parent, by a double
// fork, becomes a child of the shim. The daemon has ended when its main process has, and all of
// these; what the main process leaves by itself is asked to end, and killed after the grace.
//
// The space for the end is reserved with the record. A shim that can't write a record goes on
// without, tries again, and tells by its exit code how the daemon ended.
//
// If the shim itself is killed, the kernel kills the daemon with it (Pdeathsig): a daemon
// without a shim could run twice. A lock on the daemon's folder, held for the life of the
// shim, prevents a second one whatever the files say.
//
// The shim's signals can't reach another process, because it is the daemon's parent. The
// node knows the shim by pid, start time and boot id, and holds a pidfd of it.
package shim
