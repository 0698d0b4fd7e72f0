package intake

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/snapshottest"
)

// gate is a loop and an authorizer with operators that notes what comes to the loop.
type gate struct {
	*snapshottest.Source
	strict bool // unsigned orders are refused

	mu      sync.Mutex
	events  []mesh.Event
	records []mesh.AuditRecord
}

func newGate(strict bool) *gate {
	return &gate{Source: snapshottest.New(&snapshot.Snapshot{}), strict: strict}
}

func (g *gate) Judge(string, wire.Signed) mesh.JudgedCommit {
	return mesh.JudgedCommit{Outcome: mesh.Verification{Verdict: mesh.VerdictRejected, Kind: "signature_invalid"}}
}

func (g *gate) Vouch(string, wire.Signed) (v mesh.JudgedCommit, c rules.Command) { return v, c }

func (g *gate) RefuseUnsigned(mesh.Event) (mesh.Verification, bool) {
	return mesh.Verification{Verdict: mesh.VerdictRejected, Kind: mesh.RejectUnsigned}, g.strict
}

func (*gate) Settled(mesh.JudgedCommit, uint64) {}

func (g *gate) PublishBatch(_ context.Context, events []mesh.Event) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = append(g.events, events...)
	return len(events), nil
}

// Judged makes the record, and shows it at once.
func (g *gate) Judged(_ context.Context, c mesh.JudgedCommit) (mesh.AuditRecord, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	record := mesh.AuditRecord{Seq: uint64(len(g.records) + 1), Event: c.Event, Outcome: c.Outcome, Refusal: c.Refusal}
	g.records = append(g.records, record)
	g.Show(&snapshot.Snapshot{Audit: slices.Clone(g.records)})
	return record, nil
}

func (g *gate) Unsigned(ctx context.Context, command mesh.AdminReceived) (mesh.AuditRecord, error) {
	return g.Judged(ctx, mesh.JudgedCommit{Event: command.Event, Outcome: mesh.Verification{Verdict: mesh.VerdictUnverified}})
}

func (g *gate) SignerChange(ctx context.Context, _ mesh.SignerChange) (mesh.AuditRecord, error) {
	return g.Judged(ctx, mesh.JudgedCommit{})
}

// audited returns the records in words.
func (g *gate) audited() (out []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.records {
		text := r.Outcome.Kind
		if f := r.Refusal; f != nil {
			text = fmt.Sprintf("%s %s %s +%d", f.Source, f.Kind, r.Outcome.Kind, f.More)
		}
		out = append(out, text)
	}
	return out
}

// running runs a test with an intake.
func running(t *testing.T, g *gate, change func(*Options), test func(*Intake)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g.Source = snapshottest.New(&snapshot.Snapshot{}) // of this bubble
		o := Options{Loop: g, Authorizer: g, Records: g, Node: 1}
		change(&o)
		in := New(o)
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { defer close(ended); in.Run(ctx) }()
		test(in)
		synctest.Wait()
		stop()
		<-ended
	})
}

func same(*Options) {}

// plugin is a plugin's source with what its entry allows.
func plugin(events ...string) Source {
	return Source{Name: "event_source:x", Lines: "plugin:x", Origin: FromPlugins, Grant: NewGrant(events)}
}

func intents(n int) []mesh.Event {
	return slices.Repeat([]mesh.Event{mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: 1}, Intent: mesh.IntentStop}}, n)
}

// A flood of orders without signatures leaves one record a second for each source and
// kind, and none of them is left out of the count.
func TestP2_RefusalsAreAuditedOnceASecond(t *testing.T) {
	g := newGate(true)
	running(t, g, same, func(in *Intake) {
		for range 50 {
			result, err := in.Client(plugin()).PublishBatch(t.Context(), intents(40))
			if err != nil || result.Taken != 0 || len(result.Refused) != 40 || result.Refused[39].Verdict.Kind != mesh.RejectUnsigned {
				t.Errorf("%v, %v", result, err)
			}
			_, _ = in.Client(plugin()).PublishBatch(t.Context(), []mesh.Event{mesh.AdminReceived{Event: mesh.Cordon{Node: 2}}})
			_, _ = in.Client(API()).PublishBatch(t.Context(), intents(1))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
	})
	total, count := map[string]uint64{}, map[string]int{}
	for _, r := range g.records {
		key := r.Refusal.Source + " " + r.Refusal.Kind
		total[key] += 1 + r.Refusal.More
		count[key]++
		if (r.Refusal.Order == nil) == (r.Event == nil) {
			t.Errorf("the record %v holds %v and %v", r.Refusal, r.Refusal.Order, r.Event)
		}
	}
	for key, want := range map[string]uint64{"event_source:x daemon_intent": 2000, "event_source:x cordon": 50, "api daemon_intent": 50} {
		if total[key] != want || count[key] > 7 {
			t.Errorf("%s: %d refusals in %d records, want %d in one a second: %v", key, total[key], count[key], want, g.audited())
		}
	}
	if len(g.events) != 0 {
		t.Errorf("%v came to the loop", g.events)
	}
}

// While the audit log has no room for refusals they are counted, and nobody waits.
func TestP2_RefusalsWaitForRoomInTheAuditLog(t *testing.T) {
	g := newGate(true)
	var room atomic.Bool
	running(t, g, func(o *Options) { o.RefusalRoom = room.Load }, func(in *Intake) {
		_, _ = in.Client(API()).PublishBatch(t.Context(), intents(5))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(g.audited()) != 0 {
			t.Errorf("recorded %v", g.audited())
		}
		room.Store(true)
		time.Sleep(2 * time.Second)
	})
	if got := g.audited(); !slices.Equal(got, []string{"api daemon_intent unsigned +4"}) {
		t.Errorf("recorded %q", got)
	}
}

// The records of refusals take no place that the record of a command waits for.
func TestP2_RefusalsDoNotWaitForASnapshot(t *testing.T) {
	g := newGate(true)
	running(t, g, same, func(in *Intake) {
		in.limiter.newest = maxUnshown
		result, err := in.Client(API()).PublishBatch(t.Context(), intents(3))
		if err != nil || len(result.Refused) != 3 || len(g.audited()) != 0 {
			t.Errorf("%v, %v, recorded %v", result, err, g.audited())
		}
		g.Show(room())
		time.Sleep(2 * time.Second)
	})
	if got := g.audited(); !slices.Equal(got, []string{"api daemon_intent unsigned +2"}) {
		t.Errorf("recorded %q", got)
	}
}

// What is left when the node ends is recorded.
func TestP2_RefusalsAreRecordedAtTheEnd(t *testing.T) {
	g := newGate(true)
	running(t, g, same, func(in *Intake) { _, _ = in.Client(API()).PublishBatch(t.Context(), intents(3)) })
	if got := g.audited(); !slices.Equal(got, []string{"api daemon_intent unsigned +0", "api daemon_intent unsigned +1"}) {
		t.Errorf("recorded %q", got)
	}
}

// A plugin's signed commands that are rejected leave one record a second; the API's all.
func TestP2_RejectedCommandsOfPluginsAreRefusals(t *testing.T) {
	g := newGate(true)
	running(t, g, same, func(in *Intake) {
		for range 300 {
			record, err := in.Client(plugin()).Commit(t.Context(), wire.Signed{})
			if err != nil || record.Outcome.Kind != "signature_invalid" {
				t.Fatal(record, err)
			}
		}
		if n := len(g.audited()); n != 1 {
			t.Errorf("%d records of a plugin's commands", n)
		}
		for range 3 {
			if _, err := in.Client(API()).Commit(t.Context(), wire.Signed{}); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(g.audited()); n != 4 {
			t.Errorf("%d records with those of the API", n)
		}
	})
	if got := g.audited(); len(got) != 5 || got[4] != "event_source:x signature_invalid signature_invalid +298" {
		t.Errorf("recorded %q", got)
	}
}

func TestALargeOrderIsNotInItsRecord(t *testing.T) {
	g := newGate(true)
	chains := make([]mesh.ChainID, 1000)
	running(t, g, same, func(in *Intake) {
		_, _ = in.Client(API()).PublishBatch(t.Context(), []mesh.Event{
			mesh.AdminReceived{Event: mesh.DropReplicas{Node: 1, Chains: chains}},
			mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: 1, Name: string(make([]byte, 1000))}},
		})
	})
	for _, r := range g.records {
		if r.Event != nil || r.Refusal.Order != nil {
			t.Errorf("the record of a %s holds it", r.Refusal.Kind)
		}
	}
	if len(g.records) != 2 {
		t.Errorf("recorded %q", g.audited())
	}
}

// Orders that are taken without a signature, since there are no operators, leave a trace, too,
// and a flood of them no more than one record a second.
func TestOrdersTakenWithoutASignatureAreAuditedOnceASecond(t *testing.T) {
	g := newGate(false)
	mixed := []mesh.Event{
		mesh.DaemonIntent{Daemon: mesh.DaemonRef{ID: 1}, Intent: mesh.IntentStop},
		mesh.RTTSample{Peer: 2},
		mesh.PlacementIntent{Chain: 7, Desired: 2},
		mesh.MaintenanceObserved{Node: 2},
	}
	running(t, g, same, func(in *Intake) {
		for range 50 {
			if result, err := in.Client(API()).PublishBatch(t.Context(), mixed); err != nil || result.Taken != len(mixed) {
				t.Errorf("%v, %v", result, err)
			}
			_, _ = in.Client(plugin("daemon_intent")).PublishBatch(t.Context(), intents(3))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		_, _ = in.Client(API()).PublishBatch(t.Context(), []mesh.Event{mesh.Shutdown{}})
	})
	total, count := map[string]uint64{}, map[string]int{}
	for _, r := range g.records {
		key := r.Refusal.Source + " " + r.Refusal.Kind
		total[key] += 1 + r.Refusal.More
		count[key]++
		if r.Outcome.Verdict != mesh.VerdictUnverified || r.Refusal.Order == nil {
			t.Errorf("recorded %+v of %+v", r.Outcome, r.Refusal)
		}
	}
	want := map[string]uint64{"api daemon_intent": 50, "api placement_intent": 50, "api shutdown": 1, "event_source:x daemon_intent": 150}
	for key, n := range want {
		if total[key] != n || count[key] > 7 {
			t.Errorf("%s: %d orders in %d records, want %d", key, total[key], count[key], n)
		}
	}
	if len(total) != len(want) {
		t.Errorf("recorded %q", g.audited())
	}
}

// What is refused and what is taken of one kind are counted apart.
func TestRefusedAndTakenOrdersAreCountedApart(t *testing.T) {
	g := newGate(false)
	running(t, g, same, func(in *Intake) {
		_, _ = in.Client(plugin("daemon_intent")).PublishBatch(t.Context(), intents(2))
		_, _ = in.Client(plugin()).PublishBatch(t.Context(), intents(2))
	})
	want := []string{
		"event_source:x daemon_intent  +0", "event_source:x daemon_intent not_granted +0",
		"event_source:x daemon_intent not_granted +0", "event_source:x daemon_intent  +0",
	}
	if got := g.audited(); !slices.Equal(got, want) {
		t.Errorf("recorded %q", got)
	}
}
