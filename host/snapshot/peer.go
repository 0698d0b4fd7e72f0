package snapshot

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Peer is one node as this one sees it. This node itself is among the peers only if it has
// an inventory.
type Peer struct {
	Node        mesh.NodeID
	Name        string
	RTT         time.Duration // meaningful with HasRTT
	HasRTT      bool
	Cordoned    bool
	Health      mesh.NodeHealth
	Maintenance mesh.MaintenancePhase
	Echo        EchoState // what locality probes found

	HealthSince  Mark        // since when Health has been so; none if it is unknown
	EchoSince    Mark        // since when Echo has been so; none if it is unknown
	HealthReason string      // why it is not healthy, in words, as the core knows; see Snapshot.HealthReason
	HealthFamily mesh.Family // by which it was checked
	Echoes       mesh.Echoes

	Draining bool    // another node is being evacuated without maintenance
	Member   *Member // what the mesh says of it; nil if it is no member
	FromHere bool    // only this node can't reach it
	OwnWord  bool    // Maintenance, Cordoned and Draining are what it says itself

	Inventory *mesh.Inventory        // without ages; see InventoryAt
	Measured  *[mesh.Facts]mesh.Time // when its facts were measured
}

// Member is what the mesh says of another node.
type Member = state.Member

// Probed reports whether a locality probe says anything of the peer.
func (p *Peer) Probed() bool { return p.Echo != EchoUnknown || p.Echoes != (mesh.Echoes{}) }

// Loss returns the share of the echoes without an answer; ok is false if it is unknown. Of a
// peer that answers no echoes at all, loss says nothing, nor does an old one if nothing is
// sent any more.
func (p *Peer) Loss() (share float64, ok bool) {
	share, ok = p.Echoes.Loss()
	if !ok || p.Echo == EchoSilent || p.Echoes.NoAnswer.NothingSent() {
		return 0, false
	}
	return share, true
}

// Jitter returns the mean difference of successive round-trip times; ok is false if it is
// unknown.
func (p *Peer) Jitter() (jitter time.Duration, ok bool) {
	if p.Echoes.Received < 2 {
		return 0, false
	}
	return p.Echoes.Jitter, true
}

// EchoState is what the measurements of locality probes say of a peer in a word.
type EchoState = state.EchoState

// The states.
const (
	EchoUnknown  = state.EchoUnknown
	EchoAnswers  = state.EchoAnswers
	EchoDegraded = state.EchoDegraded
	EchoLost     = state.EchoLost
	EchoSilent   = state.EchoSilent
)

// CutOff says that so many of the measured peers were lost at nearly the same time: this node
// may be the one that is cut off.
type CutOff struct {
	Lost, Peers int
	Since       mesh.Time // when the last of them was lost
}

// Avoid is one entry of the avoid list.
type Avoid struct {
	Peer   mesh.NodeID
	Reason string
	Until  mesh.Time
}
