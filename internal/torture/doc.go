// Command torture runs real nodes beside plugins that attack them, and prints for each
// attack what the node, its operators and a well-behaved plugin felt of it.
//
//	make torture                       all attacks, 10 s each
//	make torture SECONDS=2             a short run
//	go run ./internal/torture -attack recovery-orders
//
// Each attack gets a node of its own: the built bin/meshos, with operators, a
// well-behaved probe, and the attacker, which is built from ./internal/torture/attacker
// or is a file made for the purpose. While the attack goes on, commands are signed and
// committed, and the node's snapshots, memory and answers are watched. Then the node is
// killed, and what it left is looked at: processes, and the records of the commands
// that it had acknowledged.
//
// What has nothing to do with time is judged: the exit code is 1 if a command was lost,
// a process left, or the well-behaved plugin not asked. Times and memory are judged
// with -strict only, since a busy machine moves them.
package main
