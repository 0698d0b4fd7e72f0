// Package daemon runs the processes that this node supervises: it starts and stops
// them when it is told to, says how they are and how they ended, and turns what they
// print into lines of the node's log.
//
// It restarts nothing by itself. Whether a daemon should run, and when it may start
// again after a crash, is decided by reconcile from the events that come from here.
//
// # Outliving the node
//
// A daemon goes on when its node ends, is killed or is replaced by a newer one. The
// exit status of a process goes to its parent and nobody else, and a pipe is lost with
// its reader, so each daemon has a parent of its own that stays: a shim
// (host/daemon/shim), which stores the output in files and notes the end. The node
// reads the files from a position that it remembers (host/daemon/spool), and holds
// the shim by a pidfd. There is no other way to have all three of exit status, output
// and a process that lives on: a child that init takes over reports its status to
// init, and a pipe kept in a file system loses what nobody read in time.
//
// A Manager that starts finds the records and adopts. A process is the one of a record
// only if pid, start time and boot id agree; a pid alone never counts. Whoever ended
// meanwhile is told as ended the way it did, once; whoever is not configured any more
// is stopped. A daemon is never there twice: its shim holds a lock on its folder, and
// takes it along if it is killed.
//
// A line counts as delivered when the loop has taken it. What the loop had taken and
// not handed on when the node was killed is in the daemon's files still, but is not
// told again.
//
// # The process
//
// A daemon is a process group of its own. It gets SIGTERM, then SIGKILL after its
// grace; what is left of its group when it ends is killed. Its environment is small
// and the same from every shell: PATH, HOME and LANG of the node, and what its entry
// in the configuration says. Its standard input is empty. Its output can neither block
// it nor fill the node: lines are cut at 8 KiB and limited per daemon, and those that
// the loop has no room for wait in the files, of which the last 8 MiB are kept.
package daemon
