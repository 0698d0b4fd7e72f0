// Package daemon runs the processes that this node supervises: it starts and stops
// them when it is told to, says how they ended, and turns what they print into
// lines of the node's log.
//
// It restarts nothing by itself. Whether a daemon should run, and when it may start
// again after a crash, is decided by reconcile from the events that come from here.
//
// A daemon is a process group of its own. It gets SIGTERM, then SIGKILL after its
// grace; what is left of its group when it ends is killed. For now daemons do not
// outlive the node: when the host dies, however it dies, the kernel kills them as
// well (Pdeathsig), because a host that starts does not yet adopt those of the one
// before.
//
// A daemon's environment is small and the same from every shell: PATH, HOME and
// LANG of the node, and what its entry in the configuration says. Its standard
// input is empty. Its output can neither block it nor fill the node: lines are cut
// at 8 KiB, limited per daemon, and dropped and counted when the loop is behind.
package daemon
