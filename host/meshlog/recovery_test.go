package meshlog

import (
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/pluginsdk/meshtest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The seeds replace signers whose keys are lost: less than half of them are refused before
// anything is ordered, and all nodes raise an alarm until it is acknowledged.
func TestTheSeedsRecoverAMeshThatNobodyCommands(t *testing.T) {
	hosts := several(t, meshtest.New(meshtest.Options{}), 4)
	if got := hosts[0].order(mesh.SetSigners{AllowedSigners: clustertest.Signers(t, clustertest.Alice)}); got != "unverified" {
		t.Fatal(got)
	}
	sameState(t, hosts...) // each judges by its own
	s := hosts[0].View()
	var founding cluster.Hash
	copy(founding[:], s.GetFounding())
	next := mesh.SetSigners{AllowedSigners: clustertest.Signers(t, clustertest.Eve)}
	r := cluster.NewRecovery("c", founding, s.GetSignersHeight(), next, "lost", time.Now())
	recover := func(at *host) string {
		record, err := at.Recover(t.Context(), wire.Recovery{Signed: again(t, r)})
		return verdictOf(t, record, err)
	}
	cluster.SignRecovery(r, 1, keyOf(1))
	if got := recover(hosts[1]); got != "recovery" {
		t.Fatal(got)
	}
	cluster.SignRecovery(r, 3, keyOf(3))
	if got := recover(hosts[3]); got != "unverified" {
		t.Fatal(got)
	}
	sameState(t, hosts...)
	for _, h := range hosts {
		until(t, "the recovery is reported", func() bool { return strings.Contains(h.said(), "mesh:recovery: recovery: order") })
		until(t, "the alarm is shown", func() bool {
			return strings.Contains(strings.Join(h.View().GetAlarms(), "\n"), "node-1 (node 1), node-3 (node 3)")
		})
	}
	l := clustertest.New(t, false)
	l.Now = time.Now()
	commit := func(by int) string {
		record, err := hosts[2].Commit(t.Context(), signedOf(clustertest.Sign(t, l.Command(mesh.AcknowledgeRecovery{}), by)))
		return verdictOf(t, record, err)
	}
	if got := commit(clustertest.Alice); got != "not_authorized" {
		t.Errorf("who commands no more is %s", got)
	}
	if got := commit(clustertest.Eve); got != "accepted" {
		t.Errorf("who commands now is %s", got)
	}
	sameState(t, hosts...)
	for _, h := range hosts {
		until(t, "the alarm is over", func() bool {
			v := h.View()
			return len(v.GetAlarms()) == 0 && v.GetRecovered().GetAcknowledged()
		})
	}
}

// again returns a recovery as it comes out of the text that operators carry.
func again(t *testing.T, r *meshosv1.Recovery) *meshosv1.Recovery {
	t.Helper()
	text, err := RecoveryText(r)
	if err != nil {
		t.Fatal(err)
	}
	out, err := ParseRecovery(" " + text + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseRecovery(text[:len(text)-5]); err == nil {
		t.Error("a part of a recovery is taken for one")
	}
	return out
}

// What a member's version does not know is not ordered: it would stop folding there.
func TestAnOrderWaitsUntilAllMembersKnowIt(t *testing.T) {
	hosts := several(t, meshtest.New(meshtest.Options{}), 2)
	one := hosts[0]
	one.Heard(2, &meshosv1.NodeSummary{Version: "0.9.9"}) // a version that says no version of the log
	if v := one.View(); v.GetOldestVersion() != "0.9.9" || len(v.GetOldest()) != 1 || v.GetOldest()[0] != 2 {
		t.Errorf("the oldest version is %q, on %v", v.GetOldestVersion(), v.GetOldest())
	}
	_, err := one.Unsigned(t.Context(), mesh.AdminReceived{Event: mesh.AcknowledgeRecovery{}})
	if got := verdictOf(t, mesh.AuditRecord{}, err); got != "recovery" { // what is wrong anyway comes first
		t.Errorf("got %s", got)
	}
	one.mu.Lock()
	rejection := one.allKnow("checkpoint", cluster.NeedsOf(mesh.Checkpoint{}))
	one.mu.Unlock()
	if rejection == nil || rejection.Kind != KindOld || !strings.Contains(rejection.Message, "node 2 (node-2, meshos 0.9.9)") {
		t.Errorf("got %v", rejection)
	}
	if got := one.order(mesh.Cordon{Node: 2}); got != "unverified" {
		t.Errorf("what all know is %s", got)
	}
	one.Heard(2, &meshosv1.NodeSummary{Version: "0.10.0", LogVersion: cluster.LogVersion})
	one.mu.Lock()
	rejection = one.allKnow("checkpoint", cluster.NeedsOf(mesh.Checkpoint{}))
	one.mu.Unlock()
	if rejection != nil {
		t.Errorf("got %v", rejection)
	}
}

func TestVersionsAreComparedByTheirNumbers(t *testing.T) {
	for _, c := range []struct{ older, newer string }{{"0.9.9", "0.10.0"}, {"v1.2", "v1.2.1"}, {"1.0.0", "dev"}, {"", "0.1"}} {
		if compareVersions(c.older, c.newer) >= 0 || compareVersions(c.newer, c.older) <= 0 || compareVersions(c.older, c.older) != 0 {
			t.Errorf("%q is not older than %q", c.older, c.newer)
		}
	}
}
