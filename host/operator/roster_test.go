package operator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

func inForce(list *hostv1.ListOperatorsResponse) (out []string) {
	for _, k := range list.GetKeys() {
		state := strings.ToLower(strings.TrimPrefix(k.GetState().String(), "STATE_"))
		out = append(out, fmt.Sprintf("%d %s %s %s", k.GetLine(), k.GetName(), k.GetFingerprint(), state))
	}
	return out
}

// The roster has the keys in force, and what the file would change; a damaged file changes
// nothing.
func TestTheRosterIsWhatIsInForce(t *testing.T) {
	options := func(options, text string) string { return strings.Replace(text, " ", " "+options+" ", 1) }
	r := newRig(t, func(r *rig) {
		r.signers("# operators\n" + options(`valid-before="20270101Z"`, line(t, "alice", alice)) + options(`valid-before="20260101Z"`, line(t, "alice", alice2)) +
			options(`valid-after="20300101Z"`, line(t, "bob", bob)) + options(`namespaces="git"`, line(t, "eve", eve)))
	})
	list := r.Roster(true)
	want := []string{
		"2 alice " + fingerprint(t, alice) + " valid", "3 alice " + fingerprint(t, alice2) + " expired",
		"4 bob " + fingerprint(t, bob) + " not_yet_valid", "5 eve " + fingerprint(t, eve) + " other_namespace",
	}
	if got := inForce(list); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if k := list.GetKeys()[0]; k.GetKeyType() != "ssh-ed25519" || k.ValidAfter != nil || k.GetValidBefore().AsTime().Year() != 2027 || k.GetNoTouchRequired() {
		t.Errorf("got %v", k)
	}
	if list.GetPersons() != 1 || list.GetOrdinary() != 1 || list.GetBreakGlass() != 2 || list.GetThaw() != 1 || list.GetUnsignedAccepted() ||
		list.GetFile() != r.opts.Signers || !list.GetAt().AsTime().Equal(r.now) || len(list.GetPending()) != 0 || list.GetFileProblem() != "" {
		t.Errorf("got %v", list)
	}

	r.signers(line(t, "alice", alice))
	changed := r.Roster(true)
	if got := inForce(changed); !slices.Equal(got, want) {
		t.Errorf("before a reload: %q", got)
	}
	if got := strings.Join(changed.GetPending(), "\n"); !strings.Contains(got, "operator bob: key "+fingerprint(t, bob)+" removed") || r.Roster(false).GetPending() != nil {
		t.Errorf("pending: %s", got)
	}
	r.signers("nonsense")
	if damaged := r.Roster(true); !strings.Contains(damaged.GetFileProblem(), "signers:1: needs principals") || len(damaged.GetKeys()) != 4 {
		t.Errorf("got %v", damaged)
	}
}

func TestTheRosterTellsOfCooldowns(t *testing.T) {
	r := newRig(t)
	want(t, r.judge(freeze(), alice, bob), "accepted")
	want(t, r.judge(mesh.ForceEvictReplica{Chain: 1, Victim: 42}, alice, bob), "accepted")
	r.after(time.Minute)
	var got []string
	for _, c := range r.Roster(false).GetCooldowns() {
		got = append(got, c.GetOf()+" "+c.GetLeft().AsDuration().String())
	}
	if !slices.Equal(got, []string{"freezes 4m0s", "break-glass commands on node 42 4m0s"}) {
		t.Errorf("got %q", got)
	}
}

func TestTheRosterOfANodeWithoutOperators(t *testing.T) {
	r := newRig(t, func(r *rig) { r.opts.Signers = "" })
	if list := r.Roster(true); list.GetFile() != "" || !list.GetUnsignedAccepted() || len(list.GetKeys()) != 0 || list.GetBreakGlass() != 0 {
		t.Errorf("got %v", list)
	}
	got, err := r.Preview(world(), freeze())
	if err != nil || got.GetSignatures() != 0 || got.Cooldown != nil {
		t.Errorf("got %v, %v", got, err)
	}
}
