package mesh

import (
	"slices"
	"time"
)

// PeersAnnounced is what the mesh says of other nodes. It adds and removes only peers that the
// mesh brought: what the configuration says of a peer wins.
type PeersAnnounced struct {
	Peers    []Announced // new or changed ones
	Expelled []NodeID    // not members any more
}

// Announced is another member of the mesh.
type Announced struct {
	ID      NodeID
	Name    string
	Address string // that other nodes measure; "" if it is not known
	Health  string // its health target; "" if it is not known
	Seed    bool   // it carries the ordered log
	Gone    bool   // it has no session
	Orderly bool   // with Gone: it said so itself
	Silent  bool   // it has one, and should have been heard of since Heard
	// Heard is how long ago the mesh heard of it last; nil if it never did.
	Heard *time.Duration
	// Summary is what it said of itself last; nil if it never did. It must not be written to.
	Summary *Summary
}

// Summary is what a node says of itself to all others.
type Summary struct {
	Incarnation                  uint64
	Height                       uint64 // of the last entry of the ordered log that it folded
	AdminState, Signers          string // hashes
	Phase                        MaintenancePhase
	Cordoned, Draining           bool
	ChainsHeld, ChainsLed        uint32
	ChainsMost                   uint32     // how many it may hold; 0: no limit
	Inventory                    *Inventory // nil for none
	Labels                       []Label    // sorted by key
	DaemonsRunning, DaemonsWrong uint32
	PluginsWrong                 uint32
	Trouble                      string
	Version                      string
	Name, Address, Health        string
	Here                         []string // what was ordered at its own door
	LogFrozen                    bool
	Unreachable                  []NodeID // that it can't reach
}

// Label is a property of a node that its operators chose, such as rack = "r7".
type Label struct{ Key, Value string }

// LabelOf returns the value of a label; "" if there is none.
func LabelOf(labels []Label, key string) string {
	for _, l := range labels {
		if l.Key == key {
			return l.Value
		}
	}
	return ""
}

func (PeersAnnounced) isInput() {}

// KeptMember is what this node keeps of another member over a restart: how it is called and
// measured, and where it stands. The node begins with it until the mesh says something newer.
type KeptMember struct {
	ID      NodeID
	Name    string
	Address string  // "" if it is not known
	Health  string  // its health target; "" if it is not known
	Labels  []Label // sorted by key
}

// Equal reports whether both say the same.
func (m KeptMember) Equal(other KeptMember) bool {
	return m.ID == other.ID && m.Name == other.Name && m.Address == other.Address && m.Health == other.Health && slices.Equal(m.Labels, other.Labels)
}
