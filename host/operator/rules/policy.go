package rules

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Policy is the rules for commands, as the configuration has them in [operators] and
// node.cluster.
type Policy struct {
	Cluster string

	// Thresholds: how many different persons must sign. 0 means 1.
	Ordinary, BreakGlass, Thaw int

	Freshness  time.Duration // how old a command may be
	FutureSkew time.Duration // how far its clock may be ahead of ours
	Cooldown   time.Duration // how long break-glass commands on the same target wait for each other
}

// Threshold returns how many different persons must sign an event.
func (p Policy) Threshold(ev mesh.AdminEvent) int {
	n := p.Ordinary
	if ev.BreakGlass() {
		n = p.BreakGlass
	}
	if _, thaw := ev.(mesh.ThawCluster); thaw {
		n = p.Thaw
	}
	return max(1, n)
}

// signatureCap is how many signatures a command may have, unless its threshold is higher.
const signatureCap = 64

// CheckEnvelope makes the checks 3 to 5 of package operator, which need only the command and the time.
func (p Policy) CheckEnvelope(c Command, now time.Time) *Rejection {
	if c.Event.BreakGlass() {
		if len(c.BlastHash) == 0 {
			return Reject(KindRequiresBundle,
				"%s is a break-glass command: simulate it and sign the hash of the simulation with it", c.Event.Kind())
		}
		if [HashSize]byte(c.BlastHash) == ([HashSize]byte{}) {
			return Reject(KindSimulation, "the command says that it was not simulated; simulate it and sign the hash")
		}
	}
	if c.Cluster != p.Cluster {
		return Reject(KindWrongCluster, "the command is for cluster %.80q, and this node belongs to %q", c.Cluster, p.Cluster)
	}
	age := now.Truncate(time.Millisecond).Sub(c.IssuedAt) // saturates
	switch {
	case -age > p.FutureSkew || age == minDuration:
		return Reject(KindFuture, "the command was issued at %s, %s ahead of this node's clock, and at most %s is allowed; compare the clocks",
			Stamp(c.IssuedAt), -age, p.FutureSkew)
	case age > p.Freshness:
		return Reject(KindExpired, "the command was issued at %s, %s ago, and is valid for %s; sign a new one",
			Stamp(c.IssuedAt), age, p.Freshness)
	}
	return nil
}

const minDuration = time.Duration(-1 << 63)

// Stamp returns a time as messages show it.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// MostSignatures returns how many signatures an event may have: more are not verified.
func (p Policy) MostSignatures(ev mesh.AdminEvent) int { return max(signatureCap, p.Threshold(ev)) }

// CheckCount makes check 8 of package operator, which bounds the work of verifying.
func (p Policy) CheckCount(ev mesh.AdminEvent, signatures int) *Rejection {
	need := p.Threshold(ev)
	if most := p.MostSignatures(ev); signatures > most {
		return Reject(KindTooMany, "the command carries %d signatures, and at most %d are checked", signatures, most)
	}
	if signatures < need && need == 1 {
		return Reject(KindInsufficient, "%s needs the signature of an operator and has none", ev.Kind())
	}
	if signatures < need {
		return Reject(KindInsufficient, "%s needs %d signatures of different operators, got %d", ev.Kind(), need, signatures)
	}
	return nil
}
