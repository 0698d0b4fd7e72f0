package cluster

import (
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// DamagedError means that an entry is not one: it can't be read, or lacks what every entry has.
type DamagedError struct {
	Height uint64 // 0 if it can't be read
	Why    string
}

// Error implements error.
func (e *DamagedError) Error() string {
	if e.Height == 0 {
		return "an entry of the log is damaged: " + e.Why
	}
	return fmt.Sprintf("the entry of the log at height %d is damaged: %s", e.Height, e.Why)
}

// GapError means that an entry is not the next one: entries are missing before it, or the
// state has one of its height.
type GapError struct{ Have, Got uint64 }

// Error implements error.
func (e *GapError) Error() string {
	if e.Got <= e.Have {
		return fmt.Sprintf("the log has an entry at height %d already, and goes up to height %d", e.Got, e.Have)
	}
	return fmt.Sprintf("the log goes up to height %d, and the entry has height %d: those in between are missing", e.Have, e.Got)
}

// ForkError means that an entry continues another log: the hash that it has of the entry
// before is not that of the entry before.
type ForkError struct {
	Height     uint64 // of the entry
	Have, Says Hash   // of the entry before
}

// Error implements error.
func (e *ForkError) Error() string {
	return fmt.Sprintf("the entry at height %d continues another log: it says that the hash at height %d is %s, and here it is %s",
		e.Height, e.Height-1, e.Says, e.Have)
}

// SignerError means that an entry was not signed by the member that it names.
type SignerError struct {
	Height uint64
	By     mesh.NodeID
	Why    string
}

// Error implements error.
func (e *SignerError) Error() string {
	return fmt.Sprintf("the entry at height %d says that node %d ordered it, and %s", e.Height, e.By, e.Why)
}

// NewerError means that an entry has what this version does not know, so it can't be folded
// and must not be passed over.
type NewerError struct{ Height uint64 }

// Error implements error.
func (e *NewerError) Error() string {
	return fmt.Sprintf("the entry of the log at height %d was made by a newer version of meshos; run that version on this node", e.Height)
}

// StoredError means that a state from which a log is to go on is not believed.
type StoredError struct{ Why string }

// Error implements error.
func (e *StoredError) Error() string { return "the stored state of the log is not believed: " + e.Why }
