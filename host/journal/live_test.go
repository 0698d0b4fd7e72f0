package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/journal"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const liveConfig = `
[node]
id = 1
name = "one"
[loop]
tick_interval = "100ms"
action_queue = 6
settle = "300ms"
action_timeout = "3s"
sample_ttl = "4s"
[locality]
avoid_ttl = "2s"
[scheduler]
forced_ttl = "3s"
cooldown = "2s"
[[peer]]
id = 2
name = "two"
[[peer]]
id = 3
[[peer]]
id = 4
[[chain]]
id = 70
replicas = 2
hold = true
[[chain]]
id = 71
replicas = 3
[[daemon]]
id = 5
name = "telemetry"
command = ["/bin/telemetry"]
[[daemon]]
id = 6
name = "agent"
command = ["/bin/agent"]
essential = true
`

// probe answers at random, now and then late, wrong or not at all.
type probe struct{ chance *chance }

// chance is a source of random numbers that several goroutines share.
type chance struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

func (c *chance) n(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rnd.IntN(n)
}

func (c *chance) node() mesh.NodeID   { return mesh.NodeID(1 + c.n(5)) }
func (c *chance) chain() mesh.ChainID { return mesh.ChainID(70 + c.n(4)) }

func (probe) Name() string { return "chance" }

func (p probe) trouble() error {
	switch p.chance.n(12) {
	case 0:
		time.Sleep(150 * time.Millisecond)
	case 1:
		return errors.New("broken")
	case 2:
		panic("lost")
	}
	return nil
}

func (p probe) SampleRTT(context.Context) (out mesh.RTTAnswer, err error) {
	if err := p.trouble(); err != nil {
		return out, err
	}
	out.Complete = p.chance.n(2) == 0
	sample := mesh.RTTSample{Peer: p.chance.node(), RTT: time.Duration(p.chance.n(500)) * time.Millisecond}
	if sample.Sent = uint32(p.chance.n(3)); sample.Sent > 0 {
		sample.Received, sample.Jitter = uint32(p.chance.n(int(sample.Sent)+1)), time.Millisecond
	}
	if sample.RTT == 0 {
		sample.Reason = "timed out"
	}
	out.Samples = []mesh.RTTSample{sample}
	return out, nil
}

func (p probe) SampleHealth(context.Context) (out mesh.HealthAnswer, err error) {
	if err := p.trouble(); err != nil {
		return out, err
	}
	out.Complete = p.chance.n(2) == 0
	out.Samples = []mesh.HealthSample{{
		Peer: p.chance.node(), Health: mesh.NodeHealth(1 + p.chance.n(3)), Reason: "because",
	}}
	return out, nil
}

func (p probe) SampleInventory(context.Context) (mesh.InventoryAnswer, error) {
	load := float64(p.chance.n(100)) / 7
	one := mesh.Inventory{Node: p.chance.node(), CPULoad1m: &load}
	one.Ages[mesh.FactCPULoad1m] = time.Duration(p.chance.n(90)) * time.Second
	return mesh.InventoryAnswer{Samples: []mesh.Inventory{one}, Complete: p.chance.n(2) == 0}, p.trouble()
}

func (p probe) ListMigrations(context.Context) ([]mesh.Migration, error) {
	return []mesh.Migration{{ID: mesh.MigrationID(1 + p.chance.n(9))}}, p.trouble()
}

// churn publishes random events.
func churn(t *testing.T, c *chance, h *loop.Handle, feed loop.Feed) {
	t.Helper()
	ctx := t.Context()
	daemon := mesh.DaemonRef{ID: mesh.DaemonID(5 + c.n(3)), Name: "d"}
	ttl := time.Duration(1+c.n(2000)) * time.Millisecond
	must := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	events := []mesh.Event{
		mesh.ReplicaUpdate{Change: mesh.ReplicaChange(1 + c.n(4)), Chain: c.chain(), Holder: c.node()},
		mesh.ReplicaLeader{Chain: c.chain(), Leader: mesh.NodeID(c.n(3))},
		mesh.ReplicaCurrent{Chain: c.chain(), Holders: []mesh.NodeID{c.node()}},
		mesh.ReplicaTransition{Kind: mesh.BecameHolderAndLeader, Chain: c.chain(), Holder: c.node()},
		mesh.DaemonStarted{Daemon: daemon},
		mesh.DaemonCrashed{Daemon: daemon, Reason: "exit status 2"},
		mesh.DaemonExited{Daemon: daemon},
		mesh.DaemonIntent{Daemon: daemon, Intent: mesh.RunIntent(1 + c.n(2))},
		mesh.RTTSample{Peer: c.node(), RTT: ttl},
		mesh.LogLine{Level: mesh.LevelInfo, Message: fmt.Sprintf("no UTF-8: \xff %d", c.n(100))},
		mesh.LocalReplicaIntent{Chain: c.chain(), Intent: mesh.HoldIntent(1 + c.n(2))},
		mesh.AdminReceived{Event: mesh.FreezeCluster{TTL: ttl}},
		mesh.AdminReceived{Event: mesh.ThawCluster{}},
		mesh.AdminReceived{Event: mesh.EnterMaintenance{Node: c.node()}},
		mesh.AdminReceived{Event: mesh.ExitMaintenance{Node: c.node()}},
		mesh.AdminReceived{Event: mesh.Drain{Node: c.node(), DrainFor: ttl}},
		mesh.AdminReceived{Event: mesh.Uncordon{Node: c.node()}},
		mesh.AdminReceived{Event: mesh.ForceCutover{Chain: c.chain(), Target: c.node()}},
		mesh.AdminReceived{Event: mesh.ForceEvictReplica{Chain: c.chain(), Victim: c.node()}},
		mesh.AdminReceived{Event: mesh.KillMigration{Migration: mesh.MigrationID(1 + c.n(9))}},
	}
	must(h.Publish(ctx, events[c.n(len(events))]))
	switch c.n(20) {
	case 0:
		must(feed.Report(ctx, mesh.FailureReport{Source: "plugin:x", Reason: "exit status 2"}))
	case 1:
		must(feed.Acknowledge(ctx, mesh.Acknowledged{Chain: mesh.ChainLog, Through: uint64(c.n(50))}))
	case 2:
		_, err := h.Judged(ctx, mesh.JudgedCommit{
			Event: mesh.Cordon{Node: c.node()}, Outcome: mesh.Verification{Verdict: mesh.VerdictAccepted}, CommitID: []byte{1},
		})
		must(err)
	case 3:
		next, err := config.Parse("meshos.toml", liveConfig+fmt.Sprintf("[[daemon]]\nid = %d\ncommand = [\"x\"]\n", 7+c.n(3)))
		must(err)
		must(feed.Reload(ctx, mesh.Reload{Desired: next.Desired()}))
	}
}

// lived is what a loop showed of itself while it ran.
type lived struct {
	ticks     []string // as TickLine returns them
	snapshots [][]byte // nil for those that are not compared
}

// compared reports whether the nth snapshot is compared. Most of what differs once goes on to.
func compared(n int) bool { return n%5 == 4 || testkit.Thorough() }

// observe keeps the snapshots that are published, as the core gave them.
func (l *lived) observe(t *testing.T, s *snapshot.Snapshot) {
	var kept []byte
	if compared(len(l.snapshots)) {
		kept = judged(t, s)
	}
	l.snapshots = append(l.snapshots, kept)
}

// judged returns a snapshot without the fields that do not come from the core.
func judged(t *testing.T, s *snapshot.Snapshot) []byte {
	out := wire.SnapshotToProto(s)
	out.Plugins, out.Stats, out.Scheduler = nil, nil, nil
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(out)
	if err != nil {
		t.Error(err)
	}
	return raw
}

// shown returns a snapshot without those fields, as text for people.
func shown(raw []byte) string {
	var s meshosv1.Snapshot
	if err := proto.Unmarshal(raw, &s); err != nil {
		return err.Error()
	}
	return protojson.Format(&s)
}

// live runs a loop on the real core for so many ticks under churn, with an executor
// that takes its time and fails now and then, and records it.
func live(t *testing.T, path string, seed uint64, ticks int) *lived {
	t.Helper()
	cfg, err := config.Parse("meshos.toml", liveConfig)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	at := mesh.Stamp{Wall: begin.Round(0)}
	w, err := journal.NewWriter(journal.Options{
		Path: path, At: at, Boot: journal.Boot{Node: 1, Epoch: seed, ConfigTOML: cfg.Effective(), FreezeRemaining: time.Second},
		FileSize: 100_000, Stopped: func(err error) { t.Error(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s := state.New(state.Boot{
		At: at, Node: 1, NodeName: cfg.Node.Name, Epoch: seed, Policy: cfg.Policy(), Desired: cfg.Desired(), FreezeRemaining: time.Second,
	})
	var seen lived
	l := loop.New(loop.Config{
		TickInterval: cfg.Loop.TickInterval, ProbeBudget: cfg.Loop.ProbeBudget, ActionQueue: cfg.Loop.ActionQueue, Start: begin,
	}, s)
	c := &chance{rnd: rand.New(rand.NewPCG(seed, 1))}
	l.Probes().AddLocality(probe{c})
	l.Probes().AddHealth(probe{c})
	l.Probes().AddInventory(probe{c})
	l.Slots().InstallMigrationSources(probe{c})
	h := l.Handle()
	var all sync.WaitGroup
	all.Go(func() {
		hooks := loop.Hooks{Recorder: w, Decorate: func(s *snapshot.Snapshot) { seen.observe(t, s) }}
		if err := l.Run(context.Background(), hooks); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() {
		for emitted := range l.Actions() {
			seen.ticks = append(seen.ticks, fmt.Sprintf("%+v", emitted))
			time.Sleep(time.Duration(c.n(80)) * time.Millisecond)
			if c.n(4) > 0 {
				// It fails only when the loop has ended.
				_ = l.Feed().Outcome(context.Background(), mesh.Outcome{ID: emitted.ID, OK: c.n(5) > 0, Reason: "bad luck", Final: c.n(5) > 0})
			}
		}
	})
	for l.Reader().Latest().Stats.Ticks < uint64(ticks) {
		churn(t, c, h, l.Feed())
		time.Sleep(time.Duration(c.n(40)) * time.Millisecond)
	}
	h.Close()
	all.Wait()
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return &seen
}

func TestP3_ARecordingOfALiveLoopReplaysToTheSameActionsAndSnapshots(t *testing.T) {
	seeds := uint64(2)
	if testkit.Thorough() {
		seeds = 20
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j")
			var seen *lived
			synctest.Test(t, func(t *testing.T) { seen = live(t, path, seed+1, 200) })
			r, err := journal.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close() }()
			p := journal.NewReplay(r)
			var actions []string
			for i := 0; ; i++ {
				tick, err := p.Next()
				if errors.Is(err, io.EOF) {
					if i != len(seen.snapshots) || i < 200 {
						t.Fatalf("%d ticks replayed, %d lived", i, len(seen.snapshots))
					}
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, emitted := range tick.Actions {
					actions = append(actions, fmt.Sprintf("%+v", emitted))
				}
				if !compared(i) {
					continue
				}
				if got := judged(t, p.Snapshot()); !bytes.Equal(got, seen.snapshots[i]) {
					t.Fatalf("tick %d: replayed\n%s\nlived\n%s", tick.Number, shown(got), shown(seen.snapshots[i]))
				}
			}
			if fmt.Sprint(actions) != fmt.Sprint(seen.ticks) || len(actions) < 50 {
				t.Fatalf("%d actions replayed:\n%s\n%d lived:\n%s", len(actions), actions, len(seen.ticks), seen.ticks)
			}
			if w := p.Warnings(); len(w) > 0 {
				t.Error(w)
			}
		})
	}
}

// Two replays of one journal are equal to the byte.
func TestP3_AReplayIsTheSameEachTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	synctest.Test(t, func(t *testing.T) { live(t, path, 42, 50) })
	var outs []string
	for range 3 {
		r, err := journal.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		outs = append(outs, printed(t, journal.NewReplay(r)))
		_ = r.Close()
	}
	if outs[0] != outs[1] || outs[0] != outs[2] || len(outs[0]) < 1000 {
		t.Fatal("they differ")
	}
}
