package statuslog

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/logkinds"
	"github.com/meshos/meshos/internal/snapshottest"
)

func TestEachChangeIsLoggedOnceAndThoseOfTheLastSnapshotToo(t *testing.T) {
	var log bytes.Buffer
	l := New(slog.New(slog.NewTextHandler(&log, nil)))
	ready := []snapshot.Plugin{{Name: "p", Status: snapshot.PluginReady, Version: "1", PID: 7}}
	one := mesh.FailureRecord{Seq: 1, Source: "probe", Reason: "first"}
	l.write(&snapshot.Snapshot{Plugins: ready, Failures: []mesh.FailureRecord{one}})
	l.write(&snapshot.Snapshot{Plugins: ready, Failures: []mesh.FailureRecord{one}})

	ended, end := context.WithCancel(t.Context())
	end()
	l.Run(ended, snapshottest.New(&snapshot.Snapshot{
		Plugins:  []snapshot.Plugin{{Name: "p", Status: snapshot.PluginBackingOff, Message: "it ended"}},
		Failures: []mesh.FailureRecord{one, {Seq: 2, Source: "probe", Reason: "second"}},
		Actions: []mesh.ActionRecord{
			{Seq: 1, ID: 4, Action: mesh.StartDaemon{}, End: mesh.ActionDispatched},
			{Seq: 2, ID: 5, Action: mesh.StartDaemon{}, End: mesh.ActionFailed},
		},
	}))
	for want, times := range map[string]int{
		`msg="plugin ready" plugin=p version=1 pid=7`:                1,
		`msg="plugin is started again soon" plugin=p why="it ended"`: 1,
		"msg=failure source=probe reason=first":                      1,
		"msg=failure source=probe reason=second":                     1,
		`msg="action done" id=4 kind=start_daemon`:                   1,
		"id=5": 0,
	} {
		if got := strings.Count(log.String(), want); got != times {
			t.Errorf("%q was logged %d times, want %d:\n%s", want, got, times, &log)
		}
	}
}

// The uplink of a node with 1,200 peers goes, and comes back, and flaps.
func TestTransitionsOfManyPeersAreOneLine(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(1e9, 0)
	l := New(slog.New(slog.NewTextHandler(&log, nil)))
	l.peers.now = func() time.Time { return now }
	all := func(health mesh.NodeHealth, reason string) (out []snapshot.Peer) {
		for i := range 1200 {
			out = append(out, snapshot.Peer{Node: mesh.NodeID(i + 2), Name: fmt.Sprint("n", i+2), Health: health, HealthReason: reason})
		}
		return out
	}
	of := func(list []snapshot.Peer) *snapshot.Snapshot {
		return &snapshot.Snapshot{Peers: snapshot.PeersOf(list...)}
	}
	wait := func() { now = now.Add(logkinds.Window) }
	says := func(want ...string) {
		t.Helper()
		got := strings.Split(strings.TrimSpace(log.String()), "\n")
		log.Reset()
		if len(want) == 0 && got[0] == "" {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%d lines, want %d: %q", len(got), len(want), got)
		}
		for i := range want {
			if !strings.Contains(got[i], want[i]) {
				t.Errorf("%s\nwant %s", got[i], want[i])
			}
		}
	}
	l.peers.write(of(all(mesh.HealthUnknown, "")), false)
	says()
	l.peers.write(of(all(mesh.HealthHealthy, "")), false)
	says(`level=INFO msg="1,200 peers are healthy" count=1200 examples="n2, n3, n4" all="meshos status"`)
	wait()
	down := all(mesh.HealthUnreachable, "timed out")
	down[0].HealthReason, down[1].Health, down[2].Health = "refused", mesh.HealthHealthy, mesh.HealthDegraded
	l.peers.write(of(down), false)
	says(
		`level=WARN msg="1,198 peers are unreachable" count=1198 examples="n2, n5, n6" reasons="refused 1, timed out 1,197" all="meshos status"`,
		`level=WARN msg="peer is degraded" peer=4 name=n4 reason="timed out"`,
	)
	for range 20 { // it flaps
		now = now.Add(logkinds.Window / 10)
		l.peers.write(of(all(mesh.HealthHealthy, "")), false)
		now = now.Add(logkinds.Window / 10)
		l.peers.write(of(down), false)
	}
	if lines := strings.Count(log.String(), "\n"); lines > 4*3 {
		t.Errorf("%d lines in %v:\n%s", lines, 4*logkinds.Window, &log)
	}
	l.peers.write(of(down), true)
	log.Reset()
	l.peers.write(of(down), true)
	says()
}

func TestManyActionsAndFailuresOfATimeAreOneLineEach(t *testing.T) {
	var log bytes.Buffer
	l := New(slog.New(slog.NewTextHandler(&log, nil)))
	s := &snapshot.Snapshot{Failures: []mesh.FailureRecord{{Seq: 1, Source: "reload", Reason: "alone"}}}
	for i := range uint64(500) {
		s.Actions = append(s.Actions, mesh.ActionRecord{Seq: i + 1, ID: mesh.ActionID(i), Action: mesh.StartDaemon{Daemon: mesh.DaemonRef{ID: mesh.DaemonID(i)}}, End: mesh.ActionDispatched})
		s.Failures = append(s.Failures, mesh.FailureRecord{Seq: i + 2, Source: "executor", Reason: fmt.Sprintf("daemon %d is gone", i)})
	}
	l.write(s)
	for _, want := range []string{
		`msg="actions done" kind=start_daemon count=500 examples="0, 1, 2" all="meshos actions"`,
		`msg=failure source=reload reason=alone`,
		`msg=failures source=executor count=500 reasons="daemon … is gone 500" example="daemon 0 is gone" all="meshos failures"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("not logged: %s\nbut:\n%s", want, &log)
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != 3 {
		t.Errorf("%d lines", lines)
	}
}

func TestPeersWithoutANameAreCalledByTheirID(t *testing.T) {
	var log bytes.Buffer
	l := New(slog.New(slog.NewTextHandler(&log, nil)))
	var all []snapshot.Peer
	for i := range 1200 {
		all = append(all, snapshot.Peer{Node: mesh.NodeID(i + 2), Health: mesh.HealthHealthy})
	}
	l.peers.write(&snapshot.Snapshot{Peers: snapshot.PeersOf(all...)}, true)
	l.peers.write(&snapshot.Snapshot{Peers: snapshot.PeersOf(append(all, snapshot.Peer{Node: 5000, Health: mesh.HealthDegraded})...)}, true)
	if got := log.String(); !strings.Contains(got, `examples="2, 3, 4"`) || !strings.Contains(got, "peer=5000\n") {
		t.Error(got)
	}
}
