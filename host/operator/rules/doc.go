// Package rules has the rules by which a signed command is judged, as functions of the
// command, the signers and a time: how it is decoded, who signed it, how many have to,
// how old it may be and for what it has to wait.
//
// It holds no state and reads no clock. A node applies the rules to what reaches its own
// door, in its own time: that is host/operator. The log of a mesh applies them to its
// entries, in the log's time: that is host/cluster.
package rules
