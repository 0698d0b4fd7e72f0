package mesh

import "time"

// PublicKey is an ed25519 key. The zero value stands for none.
type PublicKey [32]byte

// MaxNodeName is how long the name of a member of a mesh may be, in bytes.
const MaxNodeName = 64

// The commands about who belongs to a mesh and who commands it. They are valid in the ordered
// log of a mesh alone.
type (
	// AdmitNode makes a node a member of the mesh. With Replace it takes the id of a node that
	// is a member, or was one. With TokenKey and without keys it is a token: the node that
	// signs a joining with that key becomes the member, once and until Expires.
	AdmitNode struct {
		Node     NodeID
		Name     string    // empty in a token
		Key      PublicKey // signs entries of the ordered log
		LinkKey  PublicKey // of its links to other nodes
		Seed     bool      // it carries the ordered log
		Chains   bool      // it may hold chains of the mesh although it is no seed
		TokenKey PublicKey
		Expires  time.Time // of a token, in the time of the log
		Replace  bool
	}
	// ExpelNode ends a membership, or takes an open token back.
	ExpelNode struct{ Node NodeID }
	// SetSigners replaces who may command the mesh.
	SetSigners struct {
		AllowedSigners                         string // the content of an allowed_signers file
		NeedOrdinary, NeedBreakGlass, NeedThaw uint32 // how many have to sign; 0 means 1
	}
	// Checkpoint says what the log leads to at a height: what is before it may be dropped.
	Checkpoint struct {
		Height uint64
		State  [32]byte // the admin_state at that height
	}
	// AcknowledgeRecovery ends the alarm that the seeds raised when they replaced who commands
	// the mesh.
	AcknowledgeRecovery struct{}
)

// Token reports whether the command opens a token.
func (e AdmitNode) Token() bool { return e.TokenKey != PublicKey{} }

// Kind implements AdminEvent.
func (AdmitNode) Kind() string  { return "admit_node" }
func (ExpelNode) Kind() string  { return "expel_node" }
func (SetSigners) Kind() string { return "set_signers" }
func (Checkpoint) Kind() string { return "checkpoint" }

// Kind implements AdminEvent.
func (AcknowledgeRecovery) Kind() string { return "acknowledge_recovery" }

// BreakGlass implements AdminEvent.
func (AdmitNode) BreakGlass() bool  { return false }
func (ExpelNode) BreakGlass() bool  { return true }
func (SetSigners) BreakGlass() bool { return true }
func (Checkpoint) BreakGlass() bool { return true }

// BreakGlass implements AdminEvent.
func (AcknowledgeRecovery) BreakGlass() bool { return false }

// Size implements AdminEvent.
func (e AdmitNode) Size() int  { return len(e.Name) }
func (ExpelNode) Size() int    { return 0 }
func (e SetSigners) Size() int { return len(e.AllowedSigners) }
func (Checkpoint) Size() int   { return 0 }

// Size implements AdminEvent.
func (AcknowledgeRecovery) Size() int { return 0 }
