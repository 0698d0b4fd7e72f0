package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/internal/golden"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// scene returns a snapshot taken after the command, some seconds after noon.
func scene(j *operatorNode, second int, change func(*meshosv1.Snapshot)) *meshosv1.Snapshot {
	s := proto.CloneOf(j.snapshot)
	s.TakenAt = timestamppb.New(noon().Add(time.Duration(second) * time.Second))
	s.AdminAudit = []*meshosv1.AdminAuditRecord{{Epoch: s.GetEpoch(), Seq: 9}}
	s.LocalMaintenance = &meshosv1.MaintenanceView{
		Phase: meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE, Cordoned: true, Draining: true,
		Since: durationpb.New(time.Duration(second) * time.Second), Deadline: durationpb.New(10*time.Minute - time.Duration(second)*time.Second),
	}
	change(s)
	return s
}

func waits(names ...string) func(*meshosv1.Snapshot) {
	return func(s *meshosv1.Snapshot) { s.LocalMaintenance.WaitingFor = names }
}

// drop is an action of the drain.
func drop(id uint64) *meshosv1.EmittedAction {
	return &meshosv1.EmittedAction{Id: id, Kind: "drop_replica", Action: &meshosv1.Action{
		Kind: &meshosv1.Action_DropReplica{DropReplica: &meshosv1.DropReplica{Chain: 7}},
	}}
}

// drainScript has the snapshots of a drain of a daemon and a chain.
func drainScript(j *operatorNode) []*meshosv1.Snapshot {
	chain := func(holders ...uint64) func(*meshosv1.Snapshot) {
		return func(s *meshosv1.Snapshot) {
			s.LocalMaintenance.WaitingFor = []string{"chain 7"}
			s.Replicas[0].Holders = holders
		}
	}
	return []*meshosv1.Snapshot{
		scene(j, 1, waits("chain 7", "daemon 1 (demo)")),
		scene(j, 2, func(s *meshosv1.Snapshot) {
			s.LocalMaintenance.WaitingFor = []string{"chain 7", "daemon 1 (demo)"}
			s.Daemons[0].Lifecycle = meshosv1.DaemonView_LIFECYCLE_STOPPING
		}),
		scene(j, 3, chain(1, 2, 4)),
		scene(j, 4, chain(1, 2, 4)), // nothing new
		scene(j, 5, func(s *meshosv1.Snapshot) {
			chain(1, 2, 4)(s)
			s.FreezeRemaining = durationpb.New(time.Minute)
		}),
		scene(j, 6, func(s *meshosv1.Snapshot) {
			chain(1, 2, 3, 5)(s)
			s.RecentlyEmitted = append(s.RecentlyEmitted, drop(3)) // the placement failed, the drop did not
		}),
		scene(j, 7, func(s *meshosv1.Snapshot) {
			chain(1, 2, 3, 5)(s)
			s.RecentlyEmitted = append(s.RecentlyEmitted, drop(4), drop(3))
			s.RecentFailures = append(s.RecentFailures, &meshosv1.FailureRecord{Source: "action:4", Reason: "disk\x1b busy"})
		}),
	}
}

func TestADrainIsDoneWhenNothingIsLeft(t *testing.T) {
	j, d, _ := newOperatorNode(t, "")
	j.script = append(drainScript(j), scene(j, 8, waits()), scene(j, 9, func(s *meshosv1.Snapshot) { s.LocalMaintenance.Draining = false }))
	d.must(t, "admin drain --yes --monitor")
	golden.Check(t, "testdata/commands/monitor-drain.txt", d.out.String())
}

func TestEnteringIsDoneInMaintenance(t *testing.T) {
	j, d, _ := newOperatorNode(t, "")
	entering := func(s *meshosv1.Snapshot) {
		s.LocalMaintenance.Phase, s.LocalMaintenance.Draining = meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ENTERING, false
	}
	j.script = []*meshosv1.Snapshot{
		scene(j, 1, func(s *meshosv1.Snapshot) { entering(s); waits("daemon 1 (demo)")(s) }),
		scene(j, 2, entering), // nothing is left, but the node has not confirmed it
		scene(j, 3, func(s *meshosv1.Snapshot) {
			s.LocalMaintenance.Phase = meshosv1.MaintenancePhase_MAINTENANCE_PHASE_MAINTENANCE
		}),
	}
	d.must(t, "admin enter-maintenance --yes --monitor")
	golden.Check(t, "testdata/commands/monitor-enter.txt", d.out.String())
	d.must(t, "admin enter-maintenance --yes --monitor -o json")
	if lines := strings.Split(strings.TrimSpace(d.out.String()), "\n"); len(lines) != 4 || !strings.Contains(lines[3], `"phase":"MAINTENANCE_PHASE_MAINTENANCE"`) {
		t.Errorf("said %s", d.out.String())
	}
}

func TestDrainsThatEndBadly(t *testing.T) {
	phase := func(p meshosv1.MaintenancePhase) func(*meshosv1.Snapshot) {
		return func(s *meshosv1.Snapshot) { s.LocalMaintenance.Phase, s.LocalMaintenance.Draining = p, false }
	}
	for _, c := range []struct {
		name, line, want string
		last             func(*meshosv1.Snapshot)
	}{
		{"it takes too long", "admin enter-maintenance", "the drain failed: not within 10m\n    still there: chain 7\n", func(s *meshosv1.Snapshot) {
			phase(meshosv1.MaintenancePhase_MAINTENANCE_PHASE_DRAIN_FAILED)(s)
			s.LocalMaintenance.Reason, s.LocalMaintenance.WaitingFor = "not within 10m", []string{"chain 7"}
		}},
		{
			"entering is canceled", "admin enter-maintenance", "the node is exiting: another command canceled entering maintenance\n",
			phase(meshosv1.MaintenancePhase_MAINTENANCE_PHASE_EXITING),
		},
		{"the node is uncordoned", "admin drain", "the node is no longer cordoned", func(s *meshosv1.Snapshot) {
			s.LocalMaintenance.Draining, s.LocalMaintenance.Cordoned = false, false
		}},
		{"the node enters maintenance", "admin drain", "the node is entering: another command replaced the drain", phase(meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ENTERING)},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, d, _ := newOperatorNode(t, "")
			j.script = []*meshosv1.Snapshot{scene(j, 1, c.last)}
			code := d.run(t.Context(), c.line+" --yes --monitor")
			if code != exitFailed || !strings.Contains(d.err.String(), "meshos: "+c.want) {
				t.Errorf("exit code %d: %s", code, d.err.String())
			}
		})
	}
}

func TestAnInterruptLeavesTheDrainGoing(t *testing.T) {
	j, d, _ := newOperatorNode(t, "")
	j.script = []*meshosv1.Snapshot{scene(j, 1, waits("chain 7"))}
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- d.run(ctx, "admin drain --yes --monitor") }()
	testkit.Until(t, "what is left", func() bool { return strings.Contains(d.out.String(), "left: chain 7") })
	interrupt()
	want := "note: the drain goes on; meshos status -w shows it, and meshos admin uncordon cancels it\n"
	if code := <-ended; code != exitDone || !strings.HasSuffix(d.err.String(), want) {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
}

// On a terminal each page replaces the one before.
func TestAMonitorOnATerminal(t *testing.T) {
	j, d, _ := newOperatorNode(t, "")
	m := &drainMonitor{
		app: &app{out: &d.out, now: noon, zone: time.UTC}, record: 1, epoch: j.snapshot.GetEpoch(), output: outputTable,
		since: map[string]time.Time{}, printer: view.Printer{Color: true, Zone: time.UTC}, redraw: true,
	}
	for _, s := range drainScript(j) {
		if err := m.see(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.see(scene(j, 9, func(s *meshosv1.Snapshot) { s.LocalMaintenance.Draining = false })); err == nil {
		t.Error("it goes on")
	}
	golden.Check(t, "testdata/commands/monitor-terminal.txt", strings.ReplaceAll(d.out.String(), "\x1b", "ESC"))
}
