// Package journal records the inputs of a node's loop, and replays them.
//
// A journal is JSON lines: one entry per input, in the order of folding, from Boot
// on. Since the core decides from its inputs alone, the same entries give the same
// actions and the same snapshots, on any machine and at any time. docs/journal.md
// describes the format for people.
//
// A Writer takes the inputs from the loop without ever holding it up. A Reader
// gives the entries back and believes nothing that is damaged. A Replay feeds them
// through the core, and Compare finds the first tick at which two runs differ.
//
// It is not the node's log of records (that is chain): nothing in it is for
// audits, and a journal that had to stop stops nothing else. It decides nothing
// itself, and a replay opens nothing that the configuration names.
package journal
