package main

import (
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// well returns a snapshot of a node on which nothing is wrong.
func well() *snapshot.Snapshot {
	return &snapshot.Snapshot{
		Node: 1, Epoch: 0xabc, Tick: 7, TakenAt: noon().Add(-time.Second),
		Peers:       snapshot.PeersOf(snapshot.Peer{Node: 2, Health: mesh.HealthHealthy}),
		Maintenance: snapshot.Maintenance{Phase: mesh.PhaseActive},
		Info:        &snapshot.Info{Name: "here", Cluster: "prod", Version: "v1.2.3", Uptime: 3*time.Hour + 12*time.Minute, Unsigned: true},
	}
}

func TestHealthIsOneVerdictAndAnExitCode(t *testing.T) {
	drained := well()
	drained.Maintenance.Cordoned = true
	drained.Audit = []mesh.AuditRecord{{
		Seq: 1, Wall: noon().Add(-49 * time.Minute), Event: mesh.Drain{Node: 1}, Reason: "kernel upgrade",
		Operators: []mesh.Operator{{Name: "ana", Verified: true}}, Outcome: mesh.Verification{Verdict: mesh.VerdictAccepted},
	}}
	frozen := well()
	frozen.Frozen = ahead(9 * time.Minute)
	unreachable := well()
	unreachable.Peers = snapshot.PeersOf(snapshot.Peer{Node: 2, Health: mesh.HealthHealthy}, snapshot.Peer{
		Node: 3, Health: mesh.HealthUnreachable, HealthReason: "timed out", HealthSince: ago(26 * time.Hour),
	})
	unread := well()
	unread.Info.OrdersRefused = "the signers file can't be read: /etc/s: it hangs"
	stale := well()
	stale.TakenAt = noon().Add(-time.Minute)
	for _, c := range []struct {
		name, want string
		shown      *snapshot.Snapshot
		code       int
		flags      []string
	}{
		{"well", "All is well", well(), exitDone, nil},
		{"drained", "All is well; drained since 11:11 by ana (kernel upgrade)", drained, exitDone, nil},
		{"frozen", "All is well; cluster frozen for another 9m", frozen, exitDone, nil},
		{"unreachable", "1 of 2 peers unreachable since 2026-01-01 09:59 (timed out)", unreachable, exitFailed, nil},
		{"unreachable, but not asked", "All is well", unreachable, exitDone, []string{"--ignore-peers"}},
		{"stale", "The node's loop stands still: its last tick was 1m ago", stale, exitFailed, nil},
		{"signers can't be read", "Orders are refused: the signers file can't be read: /etc/s: it hangs", unread, exitFailed, nil},
		{"starting", "The node is starting: it has not ticked yet", &snapshot.Snapshot{Node: 1}, exitFailed, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, s := start(t)
			n.Show(c.shown)
			if code := s.run(t.Context(), append([]string{"health"}, c.flags...)...); code != c.code || s.out.String() != c.want+"\n" || s.err.String() != "" {
				t.Errorf("exit code %d: %s%s", code, s.out.String(), s.err.String())
			}
		})
	}
	s := &shell{env: map[string]string{"MESHOS_ADDRESS": "/nowhere"}}
	if code := s.run(t.Context(), "health"); code != exitNoAnswer {
		t.Errorf("without a node the exit code is %d", code)
	}
	n, j := start(t)
	n.Show(drained)
	if code := j.run(t.Context(), "health", "-o", "json"); code != exitDone || !strings.HasPrefix(j.out.String(),
		`{"well":true,"verdict":"All is well; drained since 11:11 by ana (kernel upgrade)","troubles":[],"notes":["drained since`) {
		t.Errorf("exit code %d: %s", code, j.out.String())
	}
}

func TestVersionShowsClientAndNode(t *testing.T) {
	n, s := start(t)
	n.Show(well())
	if code := s.run(t.Context(), "version"); code != exitDone || !strings.HasSuffix(s.out.String(), "\nnode   v1.2.3\n") {
		t.Errorf("exit code %d: %s", code, s.out.String())
	}
	newer := well()
	newer.Info.Version = "v1.3.0"
	n.Show(newer)
	if s.run(t.Context(), "version"); !strings.HasSuffix(s.out.String(), "\nnode   v1.3.0, another version than this one\n") {
		t.Errorf("says %s", s.out.String())
	}
	alone := &shell{env: map[string]string{"MESHOS_ADDRESS": "/nowhere"}}
	if code := alone.run(t.Context(), "version"); code != exitDone || !strings.Contains(alone.out.String(), "\nnode   no node answers on /nowhere: it does not exist\n") {
		t.Errorf("exit code %d: %s", code, alone.out.String())
	}
}
