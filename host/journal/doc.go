// Package journal records the inputs of a node's loop, and replays them.
//
// A journal is a file of JSON lines: one entry for each input, in the order in which they
// were folded, beginning with Boot. Since the core decides from its inputs alone, the same
// entries lead to the same actions and the same snapshots, on any machine and at any time.
// docs/journal.md describes the format.
//
// A Writer takes the inputs from the loop without ever delaying it. A Reader returns the
// entries up to the first damage. A Replay feeds them through the core, and Compare finds
// the first tick at which two runs differ.
//
// It is not the node's log of records (host/records is): a journal is for debugging and
// tests, and the node goes on when its journal has to stop. A replay starts no plugin and
// opens nothing that the configuration names.
package journal
