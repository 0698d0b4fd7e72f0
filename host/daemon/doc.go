// Package daemon runs the processes that this node supervises: it starts and stops them on
// request, reports how they are and how they ended, and turns what they print into lines
// of the node's log.
//
// It restarts nothing by itself. Reconcile decides, from the events that this package
// publishes, whether a daemon should run and when it may start again after a crash.
//
// # Outliving the node
//
// A daemon goes on when its node ends, is killed or is replaced by a newer one. Only the
// parent of a process gets its exit status, and a pipe is lost with its reader, so each
// daemon has a parent of its own that stays: a shim (host/daemon/shim), which stores the
// output in files and records the end. The node reads the files from a position that it
// remembers (host/daemon/spool), and holds the shim by a pidfd. There is no other way to
// have all three of exit status, output and a process that lives on: a child that init
// inherits reports its status to init, and a named pipe loses what nobody read in time.
//
// A Manager that starts finds the records of the shims and adopts the daemons. A process is
// the one of a record only if pid, start time and boot id agree; a pid alone never counts.
// The end of a daemon that ended meanwhile is published once, as it was; a daemon that is no
// longer configured is stopped. A daemon never runs twice: its shim holds a lock on its
// folder, and the daemon dies with its shim if that is killed.
//
// Where the disk takes nothing, a daemon runs without a record: the shim tries again, its exit
// code tells how the daemon ended, and a Manager finds it among all processes.
//
// A line is delivered when it is on disk as a record of the node. What the loop had taken when the
// node was killed, and was not recorded yet, is read again by the next one; each record says how far
// its line reaches in the daemon's files, so nothing is recorded twice.
//
// # The process
//
// A daemon is all that descends from its main process. It gets SIGTERM, or its own signal, then
// SIGKILL after its grace, and has ended when nobody is left; its kill mode may say otherwise.
// What a killed shim leaves is found by the daemon's control group (host/cgroup), where there
// is one, by its mark (process.MarkVariable) and by its session. Its environment is small and does not
// depend on the shell that started the node: PATH, HOME and LANG of the node, and what its
// entry in the configuration adds. Its standard input is empty. Its output can neither
// block it nor flood the node: lines are cut at 8 KiB; the shim stores a limited number of
// them in a time and only counts the others; and while the loop's queue is full they wait in
// the files, of which the last 8 MiB are kept.
package daemon
