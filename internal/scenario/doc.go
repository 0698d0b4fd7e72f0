// Package scenario reads stories about a mesh of nodes: who there is, which faults come when,
// what is ordered, and what must hold.
//
// A story says nothing of how it is run. internal/sim runs it with many cores in one process
// and a clock of its own; the same files are for real nodes in network namespaces.
//
// A story is a text. Empty lines and what follows a # are left out; each other line is one of:
//
//	nodes 5                        how many nodes there are: 1 to 5
//	seeds 3                        the first of them are the seeds
//	chains 4                       how many chains there are, each on "replicas" nodes
//	replicas 3
//	operators                      commands are signed; without it they need no signature
//	checkpoint                     the log is longer than a checkpoint, and has one
//	end 90s                        how long it lasts
//	at 10s cut 1,2 | 3,4,5         nodes of different groups do not reach each other
//	at 10s one-way 1,2 > 3         1 and 2 do not reach 3, while 3 reaches them
//	at 20s heal                    ends all cuts
//	at 5s network delay 50ms loss 10%
//	at 20s kill 3 for 5s           the node's process is killed, and started again later
//	at 20s kill 3 recording for 5s the same once it is about to write an entry of the log …
//	at 20s kill 3 recorded for 5s  … or has written it and done nothing of it yet
//	at 20s stop 3 for 5s           its process is stopped and goes on later
//	at 5s clock 3 +1h              its clock is set forward
//	at 5s wipe-seed 1,2            the seeds lose what their engine stored
//	at 5s set-back-seed 1,2 by 3   it has 3 entries less, as after an old backup
//	at 5s set-back-record 4 by 3   the same of a node's own record, while it is down for a moment
//	at 5s drop                     the seeds and all nodes drop what is before the checkpoint
//	at 5s behind 4,5               the records of 4 and 5 end before it, while they are down for
//	                               a moment, as those of nodes that were away for long
//	at 5s lie 4 gap for 10s        its plugin leaves entries out (gap), brings them in another
//	                               order (reorder) or with a bit changed (flip), or appends
//	                               to the log what no node ordered (junk)
//	at 10s order A on 3: cordon 2  an operator's command, given at node 3; A names it
//	expect A accepted              what whoever ordered it hears: accepted, void, frozen, refused
//	                               (nothing was ordered), unknown, answered (any of these)
//	expect equal                   at the end all nodes have the same log
//	expect forked                  at the end some node says that the log forked
//
// Commands are: cordon N, uncordon N, drain N, maintenance N, exit N, freeze D, thaw, flush.
package scenario
