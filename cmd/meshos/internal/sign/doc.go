// Package sign makes and keeps the signatures of operators' commands: it chooses keys of
// an ssh-agent or of files, asks the person at the terminal, and reads and writes
// proposals, the files in which a command waits for the signatures of others.
//
// It does not talk to a node. A node verifies signatures with package host/operator, and
// has the last word on all that is decided here.
package sign
