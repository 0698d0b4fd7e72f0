package intake

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/snapshottest"
)

// ledger is an authorizer and a loop that note what becomes of one command.
type ledger struct {
	judged, folded, settled int
	atJudge, atFold         func()
	err                     error // of the loop
}

func (l *ledger) Judge(string, wire.Signed) mesh.JudgedCommit {
	l.judged++
	if l.atJudge != nil {
		l.atJudge()
	}
	return mesh.JudgedCommit{}
}

func (*ledger) Vouch(string, wire.Signed) (v mesh.JudgedCommit, c rules.Command) { return v, c }

func (*ledger) RefuseUnsigned(mesh.Event) (mesh.Verification, bool) {
	return mesh.Verification{}, false
}

func (l *ledger) Settled(mesh.JudgedCommit, uint64) { l.settled++ }

func (l *ledger) Judged(ctx context.Context, c mesh.JudgedCommit) (mesh.AuditRecord, error) {
	if l.atFold != nil {
		l.atFold()
	}
	if ctx.Err() != nil {
		return mesh.AuditRecord{}, context.Cause(ctx)
	}
	if l.err != nil {
		return mesh.AuditRecord{}, l.err
	}
	l.folded++
	return mesh.AuditRecord{Seq: uint64(l.folded), Outcome: c.Outcome}, nil
}

func (*ledger) PublishBatch(_ context.Context, events []mesh.Event) (int, error) {
	return len(events), nil
}

func (*ledger) Unsigned(context.Context, mesh.AdminReceived) (mesh.AuditRecord, error) {
	return mesh.AuditRecord{}, nil
}

func (*ledger) SignerChange(context.Context, mesh.SignerChange) (mesh.AuditRecord, error) {
	return mesh.AuditRecord{}, nil
}

// over returns the intake of a ledger.
func over(l *ledger, board *snapshottest.Source) *Intake {
	return New(Options{Loop: l, Authorizer: l, Records: board, Node: 1})
}

// Whenever the stream that brings a command breaks, the command is either not judged
// at all, so that it may be sent again, or judged, folded and audited.
func TestACommandIsFoldedOrNotJudgedWheneverItsStreamBreaks(t *testing.T) {
	for name, tc := range map[string]struct {
		breaks func(l *ledger, board *snapshottest.Source, stop func())
		folded int
	}{
		"before it is taken": {func(_ *ledger, _ *snapshottest.Source, stop func()) { stop() }, 0},
		"while it waits for room": {func(_ *ledger, _ *snapshottest.Source, stop func()) {
			time.AfterFunc(time.Second, stop)
		}, 0},
		"just when there is room": {func(_ *ledger, board *snapshottest.Source, stop func()) {
			time.AfterFunc(time.Second, func() { board.Show(room()); stop() })
		}, 0},
		"while it is judged": {func(l *ledger, board *snapshottest.Source, stop func()) {
			board.Show(room())
			l.atJudge = stop
		}, 1},
		"while it waits for the loop": {func(l *ledger, board *snapshottest.Source, stop func()) {
			board.Show(room())
			l.atFold = func() { time.Sleep(time.Second); stop() }
		}, 1},
		"never": {func(_ *ledger, board *snapshottest.Source, _ func()) { board.Show(room()) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				board := snapshottest.New(&snapshot.Snapshot{})
				l := &ledger{}
				in := over(l, board)
				in.limiter.newest = maxUnshown // none of which was shown yet
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				tc.breaks(l, board, stop)
				record, err := in.Client(API()).Commit(ctx, wire.Signed{})
				// The board may have shown room at the very moment: both ends are right then.
				if l.judged != l.folded || l.settled != l.folded || (err == nil) != (record.Seq != 0) {
					t.Errorf("judged %d, folded %d, settled %d, %v", l.judged, l.folded, l.settled, err)
				}
				if name != "just when there is room" && l.folded != tc.folded {
					t.Errorf("folded %d, want %d: %v", l.folded, tc.folded, err)
				}
				if l.folded == 0 && !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
				if in.limiter.underWay != 0 {
					t.Errorf("%d records count as under way", in.limiter.underWay)
				}
			})
		})
	}
}

// room is a snapshot that shows enough records for one more to have room.
func room() *snapshot.Snapshot {
	return &snapshot.Snapshot{Audit: []mesh.AuditRecord{{Seq: maxUnshown}}}
}

func TestACommandThatTheLoopDoesNotTakeIsSettledAsNotFolded(t *testing.T) {
	l := &ledger{err: loop.ErrLoopClosed}
	in := over(l, snapshottest.New(&snapshot.Snapshot{}))
	if _, err := in.Client(API()).Commit(t.Context(), wire.Signed{}); !errors.Is(err, loop.ErrLoopClosed) || l.settled != 1 {
		t.Errorf("settled %d, %v", l.settled, err)
	}
}

func TestACommandIsNotJudgedAfterTheLoopEnded(t *testing.T) {
	board := snapshottest.New(&snapshot.Snapshot{})
	board.End()
	l := &ledger{}
	if _, err := over(l, board).Client(API()).Commit(t.Context(), wire.Signed{}); !errors.Is(err, loop.ErrLoopClosed) || l.judged != 0 {
		t.Errorf("judged %d, %v", l.judged, err)
	}
}
