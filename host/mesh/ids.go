package mesh

import "strconv"

// Ids are opaque. 0 never names anything: it stands for a field that is absent.
type (
	// NodeID names a machine of the mesh.
	NodeID uint64
	// ChainID names a replicated chain.
	ChainID uint64
	// DaemonID names a supervised daemon. It is the daemon's identity, and the
	// daemon's name is only a label.
	DaemonID uint64
	// BlobID names a blob of the blob layer.
	BlobID uint64
	// MigrationID names a migration that is under way.
	MigrationID uint64
	// ActionID names an action that this process handed out: 1, 2, 3 …
	ActionID uint64
)

// DaemonRef is a daemon's id with its name.
type DaemonRef struct {
	ID   DaemonID
	Name string
}

// String returns the form for people: "3 (telemetry)".
func (d DaemonRef) String() string {
	id := strconv.FormatUint(uint64(d.ID), 10)
	if d.Name == "" {
		return id
	}
	return id + " (" + d.Name + ")"
}
