package wire

import "github.com/meshos/meshos/host/mesh"

// Signal returns the name that the contract has for a signal; ok is false if there is none.
func Signal(word string) (name string, ok bool) { return mesh.Signal(word) }

// Signals returns the names of all signals that a daemon can be sent.
func Signals() []string { return mesh.Signals() }
