// Command supervise compares what it costs to supervise many daemons: a node of ours with its
// shims, and runit's runsvdir with its runsv. `make compare` runs it.
//
//	supervise [-n 200] [-runs 3] [-meshos bin/meshos] [-o json]
//
// The daemons sleep. Each run starts all of them under runit and then under a node, in a folder
// of their own, and measures, a moment after the last one runs:
//
//   - private memory: what of /proc/PID/smaps_rollup is private, summed over the processes that
//     supervise. A node's shims stand apart from the node itself and its watcher, which would
//     be there without any daemon as well.
//   - CPU to start: the user and system time of everything that was started, the daemons and
//     what became them included, with its end: all of it is killed at once, and this process
//     collects it. So runit's time holds that of the /bin/sh which executes each daemon.
//
// A node without daemons is measured too, for what the daemons add to it. What the machine lacks
// is said, and left out. Nothing else than what a run started is looked at, or ended.
package main
