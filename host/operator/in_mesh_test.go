package operator_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/signers"
)

// inMesh returns an authorizer of a node of a mesh that bob commands, and whose own file of
// signers names alice, too.
func inMesh(t *testing.T, change ...func(*rig)) *rig {
	t.Helper()
	r := newRig(t, change...)
	set, err := signers.Parse("the log", line(t, "bob", bob), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	r.Commanded(r.opts.Policy, set)
	return r
}

func vouch(r *rig, ev mesh.AdminEvent, who ...int) mesh.JudgedCommit {
	r.t.Helper()
	got, command := r.Vouch("api", r.sign(r.command(ev), who...))
	if got.Event != nil && command.Event != got.Event {
		r.t.Errorf("the command is %v, and the verdict is on %v", command.Event, got.Event)
	}
	return got
}

// The log judges signatures, thresholds and freshness, by its own time. The node judges what it
// alone can.
func TestANodeOfAMeshVouchesForWhatItAloneKnows(t *testing.T) {
	r := inMesh(t)
	signed := r.sign(r.command(cordon()), alice)
	for range 2 { // nothing is used up: the log counts it once
		got, _ := r.Vouch("api", signed)
		want(t, got, "accepted")
		if string(got.CommitID) != idOf(signed.Payload) || len(got.Operators) != 1 || got.Operators[0].Verified {
			t.Errorf("got %+v", got)
		}
	}
	want(t, vouch(r, freeze(), bob), "accepted")
	missing := r.command(freeze())
	missing.BlastHash = append(make([]byte, rules.HashSize-1), 7)
	got, _ := r.Vouch("api", r.sign(missing, bob))
	want(t, got, rules.KindMismatch)
	junk := r.sign(r.command(cordon()), bob)
	junk.Payload = []byte("junk")
	got, _ = r.Vouch("api", junk)
	want(t, got, "malformed")
}

func TestASimulationIsVouchedForAsLongAsCommandsAreFresh(t *testing.T) {
	r := inMesh(t)
	signed := r.sign(r.command(freeze()), bob)
	got, _ := r.after(r.opts.Policy.Freshness).Vouch("api", signed)
	want(t, got, "accepted")
	got, _ = r.after(r.opts.Policy.Freshness+time.Second).Vouch("api", signed)
	want(t, got, rules.KindMismatch)
}

// At the node's own door, too, those count whom the mesh names, and nobody else.
func TestTheDoorOfANodeOfAMeshIsThatOfTheMeshsOperators(t *testing.T) {
	r := inMesh(t, func(r *rig) { r.opts.Node = 7 })
	door := func(on mesh.NodeID, who int) mesh.JudgedCommit {
		c := r.command(cordon())
		c.OnlyOn = uint64(on)
		return r.Judge("api", r.sign(c, who))
	}
	want(t, door(7, bob), "accepted")
	want(t, door(7, alice), rules.KindNotAuthorized)
	want(t, door(8, bob), rules.KindOnlyOn)
}

// In a mesh without operators anybody commands.
func TestNobodyHasToSignInAMeshWithoutOperators(t *testing.T) {
	r := newRig(t)
	r.Commanded(r.opts.Policy, nil)
	c := r.command(freeze())
	c.BlastHash = append(make([]byte, rules.HashSize-1), 7)
	got, _ := r.Vouch("api", r.sign(c))
	want(t, got, "accepted")
	want(t, r.judge(cordon()), "unverified")
}
