package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// quick is a node without plugins that decides often.
const quick = `[node]
id = 1
listen = ""
[loop]
tick_interval = "50ms"
settle = "300ms"
`

// Two daemons: one that may be stopped, and one that is essential.
const twoDaemons = quick + `[[daemon]]
id = 1
name = "web"
command = ["sleep", "1000"]
[[daemon]]
id = 2
name = "agent"
command = ["sleep", "1000"]
essential = true
`

// stubborn is a daemon that does not end when it is asked to.
const stubborn = quick + `[restart]
stop_grace = "1h"
[[daemon]]
id = 1
name = "web"
command = ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"]
`

// again starts the node again after it ended.
func (n *node) again(flags ...string) *node {
	n.t.Helper()
	n.out = &plugintest.Buffer{}
	return n.start(flags...)
}

// kept waits until what a snapshot shows is in the checkpoint of the node: it is written each half
// second, at most, and what orders do is in the log before.
func (n *node) kept(s *meshosv1.Snapshot) {
	n.t.Helper()
	n.until("a checkpoint", func(now *meshosv1.Snapshot) bool { return now.GetTick() > s.GetTick()+40 })
}

// is reports whether a daemon of a snapshot is in a lifecycle.
func is(s *meshosv1.Snapshot, id uint64, want meshosv1.DaemonView_Lifecycle) bool {
	for _, d := range s.GetDaemons() {
		if d.GetDaemon().GetId() == id {
			return d.GetLifecycle() == want
		}
	}
	return false
}

const (
	up   = meshosv1.DaemonView_LIFECYCLE_RUNNING
	down = meshosv1.DaemonView_LIFECYCLE_STOPPED
)

func drained(s *meshosv1.Snapshot) bool {
	m := s.GetLocalMaintenance()
	return s.GetTick() > 0 && m.GetCordoned() && !m.GetDraining() && is(s, 1, down) && is(s, 2, up)
}

func TestB25_ADrainOutlivesTheNode(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write(twoDaemons)
	n.start()
	n.until("both daemons running", func(s *meshosv1.Snapshot) bool { return is(s, 1, up) && is(s, 2, up) })
	n.must("admin", "drain", "--yes")
	n.until("the node drained", drained)
	n.kill()
	n.again()
	s := n.until("the node still drained after a kill", drained)
	if by := s.GetLocalMaintenance().GetOrdered(); by.GetHeight() != 1 || by.GetAge() == nil {
		t.Errorf("ordered by %v", by)
	}
	n.until("some ticks more", func(s *meshosv1.Snapshot) bool {
		if !drained(s) {
			t.Errorf("not drained any more: %v", s.GetLocalMaintenance())
		}
		return s.GetTick() > 20
	})
	n.end()
	n.again()
	n.until("the node still drained after an orderly restart", drained)
	n.must("admin", "uncordon", "--yes")
	n.until("the daemon running again", func(s *meshosv1.Snapshot) bool { return is(s, 1, up) && !s.GetLocalMaintenance().GetCordoned() })
	n.kill()
	n.again()
	n.until("the daemon still wanted", func(s *meshosv1.Snapshot) bool {
		return s.GetTick() > 0 && is(s, 1, up) && !s.GetLocalMaintenance().GetCordoned()
	})
}

func TestB25_MaintenanceAndItsWindowOutliveTheNode(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write(stubborn)
	n.start()
	n.until("the daemon running", func(s *meshosv1.Snapshot) bool { return is(s, 1, up) })
	n.must("admin", "enter-maintenance", "--within", "2h", "--yes")
	entering := func(s *meshosv1.Snapshot) bool {
		return s.GetLocalMaintenance().GetPhase() == meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ENTERING
	}
	before := n.until("the node entering maintenance", entering)
	n.kill()
	n.again()
	after := n.until("the node still entering", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 10 && entering(s) })
	was, now := before.GetLocalMaintenance(), after.GetLocalMaintenance()
	// A node that began anew would be off by all that has passed.
	passed := after.GetTakenAt().AsTime().Sub(before.GetTakenAt().AsTime())
	if off := was.GetDeadline().AsDuration() - now.GetDeadline().AsDuration() - passed; off.Abs() > passed/2 {
		t.Errorf("the window is off by %v: %v left, then %v", off, was.GetDeadline().AsDuration(), now.GetDeadline().AsDuration())
	}
	if off := now.GetSince().AsDuration() - was.GetSince().AsDuration() - passed; off.Abs() > passed/2 {
		t.Errorf("its beginning is off by %v", off)
	}
	endDaemons(t, filepath.Join(n.dir, "var", "daemons"))
	inMaintenance := func(s *meshosv1.Snapshot) bool {
		return s.GetLocalMaintenance().GetPhase() == meshosv1.MaintenancePhase_MAINTENANCE_PHASE_MAINTENANCE
	}
	n.until("the node in maintenance", inMaintenance)
	n.until("a tick that shows it", func(s *meshosv1.Snapshot) bool { return inMaintenance(s) && s.GetTick() > after.GetTick()+10 })
	n.kill()
	n.again()
	n.until("the node still in maintenance", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 10 && inMaintenance(s) && is(s, 1, down) })
	n.must("admin", "exit-maintenance", "--yes")
	n.until("the daemon running again", func(s *meshosv1.Snapshot) bool { return is(s, 1, up) })
}

func TestB25_ACrashLoopsGateOutlivesTheNode(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write(quick + `[restart]
initial = "10ms"
crash_loop_threshold = 3
crash_loop_cooldown = "2h"
[[daemon]]
id = 1
name = "web"
command = ["sh", "-c", "echo x >> starts; exit 3"]
dir = "."
`)
	n.start()
	looping := func(s *meshosv1.Snapshot) bool {
		return len(s.GetDaemons()) == 1 && s.GetDaemons()[0].GetRestart() == meshosv1.DaemonView_RESTART_CRASH_LOOPING
	}
	before := n.until("the gate closed", looping)
	n.kept(before)
	n.kill()
	n.again()
	after := n.until("some ticks", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 20 })
	left := after.GetDaemons()[0].GetRestartIn().AsDuration()
	passed := after.GetTakenAt().AsTime().Sub(before.GetTakenAt().AsTime())
	if off := before.GetDaemons()[0].GetRestartIn().AsDuration() - left - passed; !looping(after) || off.Abs() > passed/2 {
		t.Errorf("%v, off by %v", after.GetDaemons()[0], off)
	}
	if d := after.GetDaemons()[0]; d.GetCrashes() != 3 || d.GetLastExit().GetCode() != 3 {
		t.Errorf("the node tells of %d crashes, the last one %v", d.GetCrashes(), d.GetLastExit())
	}
	if out := n.must("status"); !strings.Contains(out, "crashed 3 times (exit 3)") {
		t.Errorf("status does not tell of the crashes:\n%s", out)
	}
	n.started(3)
}

func TestB25_ADamagedCheckpointIsMadeAnewAndSaid(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write(twoDaemons)
	n.start()
	n.until("both daemons running", func(s *meshosv1.Snapshot) bool { return is(s, 1, up) && is(s, 2, up) })
	n.must("admin", "drain", "--yes")
	n.kept(n.until("the node drained", drained))
	n.kill()
	checkpoint := filepath.Join(n.dir, "var", "ordered", "checkpoint")
	raw, err := os.ReadFile(checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	if err := os.WriteFile(checkpoint, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	n.again()
	n.until("the node drained nevertheless", drained)
	if out := n.must("failures"); !strings.Contains(out, "the checkpoint is made anew from the log") {
		t.Errorf("failures:\n%s", out)
	}
	n.kill()

	if err := os.WriteFile(checkpoint, []byte("meshos orders 7 a form of the future\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := n.command(t.Context(), "run").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "a newer version of meshos wrote the checkpoint") {
		t.Errorf("a node of this version on a newer data directory: %v\n%s", err, out)
	}
	if now, _ := os.ReadFile(checkpoint); !strings.HasPrefix(string(now), "meshos orders 7 ") {
		t.Error("the newer checkpoint was changed")
	}
}

func TestB25_ADaemonStaysStoppedUntilItsOwnKeyChanges(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write(twoDaemons)
	n.start()
	n.until("the daemon running", func(s *meshosv1.Snapshot) bool { return is(s, 1, up) })
	n.must("daemon", "stop", "web", "--yes")
	n.until("the daemon stopped", func(s *meshosv1.Snapshot) bool { return is(s, 1, down) })
	n.end()
	n.write(strings.Replace(twoDaemons, "1000", "2000", 1)) // another key
	n.again()
	n.until("the daemon still stopped", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 20 && is(s, 1, down) && is(s, 2, up) })
	if out := n.must("status"); !strings.Contains(out, "web: ordered to stop ") {
		t.Errorf("status does not show where the intent comes from:\n%s", out)
	}
	if out := n.must("explain", "daemon", "web"); !strings.Contains(out, "order 1") || !strings.Contains(out, "daemon reset") {
		t.Errorf("explain does not show where the intent comes from:\n%s", out)
	}
	n.must("daemon", "reset", "web", "--yes")
	n.until("the daemon running", func(s *meshosv1.Snapshot) bool { return is(s, 1, up) })
	n.must("daemon", "stop", "web", "--yes")
	n.kept(n.until("the daemon stopped", func(s *meshosv1.Snapshot) bool { return is(s, 1, down) }))
	n.kill()
	n.write(strings.Replace(twoDaemons, "essential", "run = false\nessential", 1)) // of the other daemon
	n.again()
	n.until("the daemon still stopped", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 20 && is(s, 1, down) && is(s, 2, down) })
	n.must("daemon", "start", "web", "--yes")
	n.kept(n.until("the daemon running", func(s *meshosv1.Snapshot) bool { return is(s, 1, up) }))
	n.kill()
	n.write(strings.Replace(twoDaemons, `name = "web"`, "name = \"web\"\nrun = false", 1))
	n.again()
	n.until("the file to win", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 && is(s, 1, down) })
	if out := n.must("logs"); !strings.Contains(out, "does not hold any more: the configuration changed run from true to false") {
		t.Errorf("the log does not say that the file won:\n%s", out)
	}
}

func TestB25_StopNodeIsAuditedAndNotRepeatedAtTheNextStart(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write(twoDaemons)
	n.start()
	n.until("the daemon running", func(s *meshosv1.Snapshot) bool { return is(s, 1, up) })
	n.must("admin", "stop-node", "--yes")
	select {
	case <-n.exited:
	case <-time.After(patience):
		t.Fatal("the node did not end")
	}
	if n.err != nil {
		t.Errorf("ended with %v", n.err)
	}
	n.again()
	n.until("the node runs on", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 10 && is(s, 1, up) })
	var record meshosv1.AdminAuditRecord
	line, _, _ := strings.Cut(n.must("audit", "export"), "\n")
	if err := protojson.Unmarshal([]byte(line), &record); err != nil {
		t.Fatal(err)
	}
	if record.GetEvent().GetStopNode() == nil || record.GetHeight() != 1 || record.GetOrderedAt() == nil {
		t.Errorf("audited %v", &record)
	}
}

// The monitor of a drain goes on when the node is back.
func TestB25_TheMonitorOfADrainAttachesAgain(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write(stubborn)
	n.start()
	n.until("the daemon running", func(s *meshosv1.Snapshot) bool { return is(s, 1, up) })
	monitor := n.command(t.Context(), "admin", "drain", "--within", "2h", "--monitor", "--yes")
	var shown plugintest.Buffer
	monitor.Stdout, monitor.Stderr = &shown, &shown
	if err := monitor.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = monitor.Process.Kill() }()
	testkit.Until(t, "the monitor to show what is left", func() bool { return strings.Contains(shown.String(), "left: daemon 1") })
	n.kill()
	testkit.Until(t, "the monitor to notice", func() bool { return strings.Contains(shown.String(), "waits until") })
	n.again()
	testkit.Until(t, "the monitor to attach again", func() bool { return strings.Contains(shown.String(), "answers again") })
	n.until("the daemon taken over", func(s *meshosv1.Snapshot) bool { return is(s, 1, meshosv1.DaemonView_LIFECYCLE_STOPPING) })
	endDaemons(t, filepath.Join(n.dir, "var", "daemons"))
	ended := make(chan error, 1)
	go func() { ended <- monitor.Wait() }()
	select {
	case err := <-ended:
		if err != nil || !strings.Contains(shown.String(), "Node 1 is drained") {
			t.Errorf("the monitor ended with %v and showed\n%s", err, &shown)
		}
	case <-time.After(patience):
		t.Errorf("the monitor goes on:\n%s", &shown)
	}
}

// What was restored is in the journal, so that a replay begins with it.
func TestB25_P3_AReplayBeginsWithWhatWasOrderedBefore(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write(twoDaemons + "[[chain]]\nid = 7\nreplicas = 2\n")
	n.start()
	n.until("the daemon running", func(s *meshosv1.Snapshot) bool { return is(s, 1, up) })
	n.must("admin", "drain", "--yes")
	n.must("admin", "set-placement", "7", "--replicas", "3", "--yes")
	n.until("the node drained", drained)
	n.kill()
	journal := filepath.Join(n.dir, "journal.jsonl")
	n.again("--journal", journal)
	n.until("the node drained again", drained)
	n.must("daemon", "stop", "agent", "--yes")
	want := n.until("some ticks", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 10 && is(s, 2, down) })
	n.end()
	want.Plugins, want.Stats, want.Scheduler, want.Info = nil, nil, nil, nil
	got := n.snapshotAfter(journal, "--until", strconv.FormatUint(want.GetTick(), 10))
	if !proto.Equal(want, got) {
		t.Errorf("the node showed\n%s\nand the replay shows\n%s", protojson.Format(want), protojson.Format(got))
	}
	if len(got.GetReplicas()) != 1 || got.GetReplicas()[0].GetDesired() != 3 || !got.GetLocalMaintenance().GetCordoned() {
		t.Errorf("the replay shows\n%s", protojson.Format(got))
	}
}
