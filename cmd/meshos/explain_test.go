package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/golden"
	"github.com/meshos/meshos/internal/statetest"
)

// recording is a journal in which telemetry crashes again and again.
const recording = "../../host/journal/testdata/replay/b15-crash-backoff.jsonl"

// explainable returns a state in which every arm has findings.
func explainable() *state.State {
	s := state.New(state.Boot{
		Node: 1, NodeName: "here", Policy: statetest.Policy(),
		Desired: mesh.Configured{
			Peers: []mesh.ConfiguredPeer{{ID: 2, Name: "mirror"}, {ID: 3, Name: "evil\x1b[2J"}},
			Daemons: []mesh.ConfiguredDaemon{
				{Daemon: mesh.DaemonRef{ID: 1, Name: "demo"}, Run: true},
				{Daemon: mesh.DaemonRef{ID: 5, Name: "twin"}},
				{Daemon: mesh.DaemonRef{ID: 6, Name: "twin"}},
			},
		},
	})
	hear := func(at time.Duration, evs ...mesh.Event) {
		for _, ev := range evs {
			s.Apply(mesh.Stamp{At: mesh.Time(at), Wall: noon()}, mesh.Heard{Event: ev})
		}
	}
	hear(0,
		mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 2},
		mesh.ReplicaLeader{Chain: 7, Leader: 1},
		mesh.PlacementIntent{Chain: 7, Desired: 3},
		mesh.LocalReplicaIntent{Chain: 7, Intent: mesh.HoldKeep},
		mesh.RTTSample{Peer: 2, RTT: 300 * time.Millisecond},
		mesh.AdminReceived{Event: mesh.Cordon{Node: 2}},
	)
	reconcile.Pass(s, mesh.Stamp{At: mesh.Time(time.Second), Wall: noon()}, 100)
	hear(3*time.Second, mesh.RTTSample{Peer: 3, RTT: time.Millisecond})
	return s
}

func TestExplain(t *testing.T) {
	for file, line := range map[string]string{
		"explain-chain.txt":  "explain chain 7",
		"explain-daemon.txt": "explain daemon demo",
		"explain-peer.txt":   "explain peer mirror",
		"explain-self.txt":   "explain node here",
		"explain.json":       "explain daemon:1 -o json",
	} {
		t.Run(line, func(t *testing.T) {
			n, s := start(t)
			n.state = explainable()
			if code := s.run(t.Context(), strings.Fields(line)...); code != exitDone {
				t.Fatalf("exit code %d: %s", code, s.err.String())
			}
			golden.Check(t, filepath.Join("testdata", file), s.out.String())
		})
	}
}

func TestExplainCannotSteerATerminal(t *testing.T) {
	n, s := start(t)
	n.state = explainable()
	n.state.Apply(mesh.Stamp{At: mesh.Time(4 * time.Second)}, mesh.Heard{Event: mesh.DaemonStarted{
		Daemon: mesh.DaemonRef{ID: 9, Name: "evil\x1b[2J"},
	}})
	if code := s.run(t.Context(), "explain", "daemon", "9"); code != exitDone || strings.Contains(s.out.String(), "\x1b") {
		t.Errorf("exit code %d: %q, %s", code, s.out.String(), s.err.String())
	}
}

func TestExplainOfAnUnknownSubject(t *testing.T) {
	for _, c := range []struct {
		line string
		code int
		want string
	}{
		{"explain chain 8", exitFailed, "meshos: the node has never heard of chain 8\n"},
		{"explain daemon dmeo", exitFailed, "meshos: the node has never heard of daemon \"dmeo\"; did you mean demo?\n"},
		{"explain daemon twin", exitRejected, "meshos: rejected: 2 daemons are called \"twin\": ask for one of 5, 6 by its id\n"},
		{"explain chain 8 --journal " + recording, exitFailed, "meshos: the node has never heard of chain 8\n"},
	} {
		t.Run(c.line, func(t *testing.T) {
			n, s := start(t)
			n.state = explainable()
			if code := s.run(t.Context(), strings.Fields(c.line)...); code != c.code || s.err.String() != c.want || s.out.String() != "" {
				t.Errorf("exit code %d, said %s%s", code, s.out.String(), s.err.String())
			}
		})
	}
}

// This shell has no node.
func TestExplainAJournal(t *testing.T) {
	for file, line := range map[string]string{
		"explain-journal.txt":       "explain daemon telemetry --journal " + recording,
		"explain-journal-until.txt": "explain daemon:3 --until 4 --journal " + recording,
	} {
		t.Run(line, func(t *testing.T) {
			var s shell
			if code := s.run(t.Context(), strings.Fields(line)...); code != exitDone {
				t.Fatalf("exit code %d: %s", code, s.err.String())
			}
			golden.Check(t, filepath.Join("testdata", file), s.out.String())
		})
	}
}

func TestExplainAJournalThatEndsEarlier(t *testing.T) {
	var s shell
	code := s.run(t.Context(), "explain", "daemon:3", "--until", "4000", "--journal", recording)
	if code != exitUsage || !strings.Contains(s.err.String(), "--until 4000: "+recording+" ends with tick ") {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

// If a crash cut off the last line, a warning says so, and the state before it is explained.
func TestExplainAJournalThatIsCutOff(t *testing.T) {
	whole, err := os.ReadFile(recording)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "journal.jsonl")
	if err := os.WriteFile(file, whole[:len(whole)-9], 0o600); err != nil {
		t.Fatal(err)
	}
	var s shell
	code := s.run(t.Context(), "explain", "daemon:3", "--journal", file)
	if code != exitDone || !strings.HasPrefix(s.err.String(), "warning: "+file) || !strings.HasPrefix(s.out.String(), "daemon 3 (telemetry) at tick ") {
		t.Errorf("exit code %d: %s%s", code, s.out.String(), s.err.String())
	}
}

func TestExplainAJournalThatIsCutOffInItsBoot(t *testing.T) {
	whole, err := os.ReadFile(recording)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "journal.jsonl")
	if err := os.WriteFile(file, whole[:50], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, until := range []string{"0", "4"} {
		var s shell
		code := s.run(t.Context(), "explain", "daemon:3", "--journal", file, "--until", until)
		if code != exitFailed || !strings.Contains(s.err.String(), file+" is cut off in its boot entry") {
			t.Errorf("exit code %d: %s", code, s.err.String())
		}
	}
}

func TestExplainAJournalThatDoesNotExist(t *testing.T) {
	var s shell
	code := s.run(t.Context(), "explain", "daemon:3", "--journal", filepath.Join(t.TempDir(), "none.jsonl"))
	if code != exitFailed || !strings.Contains(s.err.String(), "none.jsonl") {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}
