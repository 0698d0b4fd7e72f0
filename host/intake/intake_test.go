package intake

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
	"github.com/meshos/meshos/internal/testkit"
)

// letIn runs a loop with an intake; end ends it, after it has folded what was taken.
func letIn(t *testing.T, full func() bool) (ctx context.Context, l *loop.Loop, in *Intake, end func()) {
	t.Helper()
	operators, err := operator.Open(operator.Options{
		DataDir: t.TempDir(), AuditFull: full, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	l = loop.New(loop.Config{TickInterval: 20 * time.Millisecond}, state.New(state.Boot{Node: 1, Policy: statetest.Policy()}))
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, loop.Hooks{}) }()
	handle := l.Handle()
	return ctx, l, New(Options{Loop: handle, Authorizer: operators, Records: l.Reader(), Node: 1}), func() {
		handle.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		cancel()
		_ = operators.Close()
	}
}

// More unsigned commands at once than the ring of a snapshot holds leave no gap in
// what is stored of them.
func TestB24_EveryUnsignedCommandIsShown(t *testing.T) {
	ctx, l, in, end := letIn(t, nil)
	const all = 600
	followed := make(chan uint64)
	go func() {
		shown := uint64(0)
		for shown < all {
			changed := l.Reader().Changed()
			if audit := l.Reader().Latest().Audit; len(audit) > 0 {
				if audit[0].Seq > shown+1 {
					t.Errorf("records %d to %d were never shown", shown+1, audit[0].Seq-1)
				}
				shown = audit[len(audit)-1].Seq
			}
			select {
			case <-changed:
			case <-l.Reader().Done():
				followed <- max(shown, newestAudit(l.Reader().Latest()))
				return
			}
		}
		followed <- shown
	}()
	n, err := in.Client(API()).PublishBatch(ctx, slices.Repeat([]mesh.Event{mesh.AdminReceived{Event: mesh.ThawCluster{}}}, all))
	if n.Taken != all || err != nil {
		t.Errorf("%v taken, %v", n, err)
	}
	end()
	if shown := <-followed; shown != all {
		t.Errorf("%d records were shown, want %d", shown, all)
	}
}

// Of commands without a signature, too, only those that break the glass pass a full
// audit log; what is published around them stays in its order.
func TestB24_UnsignedCommandsFindTheAuditLogFull(t *testing.T) {
	full := true
	ctx, l, in, end := letIn(t, func() bool { return full })

	cordon := mesh.AdminReceived{Event: mesh.Cordon{Node: 1}}
	line := func(text string) mesh.Event { return mesh.LogLine{Level: mesh.LevelInfo, Message: text} }
	flush := mesh.AdminReceived{Event: mesh.FlushAvoidLists{}}
	n, err := in.Client(API()).PublishBatch(ctx, []mesh.Event{line("a"), cordon, line("b"), flush, cordon})
	if n.Taken != 3 || len(n.Refused) != 2 || n.Refused[1].Index != 4 || n.Refused[1].Verdict.Kind != rules.KindAuditFull || err != nil {
		t.Errorf("%v taken, %v", n, err)
	}
	full = false
	if n, err := in.Client(API()).PublishBatch(ctx, []mesh.Event{cordon}); n.Taken != 1 || err != nil {
		t.Errorf("with room: %v taken, %v", n, err)
	}
	end()
	var got []string
	s := l.Reader().Latest()
	for _, r := range s.Audit {
		got = append(got, r.Event.Kind()+" "+r.Outcome.Kind)
	}
	for _, r := range s.Logs {
		got = append(got, r.Message)
	}
	want := []string{"cordon audit_full", "flush_avoid_lists ", "cordon audit_full", "cordon ", "a", "b"}
	if !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
}
