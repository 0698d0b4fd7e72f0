package loop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

func cordon(id byte, kind string) mesh.JudgedCommit {
	c := mesh.JudgedCommit{
		Event: mesh.Cordon{Node: 5}, CommitID: []byte{id}, Outcome: mesh.Verification{Verdict: mesh.VerdictAccepted},
	}
	if kind != "" {
		c.Outcome = mesh.Verification{Verdict: mesh.VerdictRejected, Kind: kind}
	}
	return c
}

func TestAJudgedCommitIsAnsweredWithItsOwnAuditRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		// The same command many times over: more than the ring keeps, in one go.
		const all = 600
		got := make(chan mesh.AuditRecord, all)
		for i := range all {
			go func() {
				record, err := r.h.Judged(t.Context(), cordon(1, "replayed"))
				if err != nil {
					t.Errorf("commit %d: %v", i, err)
				}
				got <- record
			}()
		}
		seen := make(map[uint64]bool)
		for range all {
			record := <-got
			if seen[record.Seq] || record.Seq == 0 || record.Outcome.Kind != "replayed" {
				t.Fatalf("got %+v, which somebody else got or nobody should", record)
			}
			seen[record.Seq] = true
		}
		r.publish(mesh.AdminReceived{Event: mesh.FreezeCluster{TTL: time.Minute}})
		synctest.Wait()
		record, err := r.h.Judged(t.Context(), cordon(2, ""))
		if err != nil || record.Outcome.Kind != mesh.RejectFrozen || record.Seq != all+2 {
			t.Errorf("got %+v, %v, want what the freeze gate said", record, err)
		}
	})
}

// What was published before a command is folded before it, and what comes after it
// is not.
func TestCommandsAreFoldedInTheOrderOfPublishing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var folded list[string]
		r := newRig(t, withConfig(func(c *Config) { c.EventQueue = 2 }), withJournal(func(_ mesh.Stamp, in mesh.Input) {
			if heard, ok := in.(mesh.Heard); ok {
				folded.add(fmt.Sprintf("%T", heard.Event))
			} else {
				folded.add(fmt.Sprintf("%T", in))
			}
		}))
		ctx := t.Context()
		published := make(chan error, 1)
		go func() {
			signed := cordon(1, "")
			signed.Operators = []mesh.Operator{{Name: "ann", Verified: true}}
			_, err := r.h.PublishBatch(ctx, []mesh.Event{holder(7, 2), holder(7, 3), holder(8, 2)})
			first, judged := r.h.Judged(ctx, signed)
			second, unsigned := r.h.Unsigned(ctx, mesh.AdminReceived{Event: mesh.ThawCluster{}})
			if first.Seq != 1 || len(first.Operators) != 1 || second.Seq != 2 || second.Outcome.Verdict != mesh.VerdictUnverified {
				t.Errorf("records %+v and %+v", first, second)
			}
			published <- errors.Join(err, judged, unsigned, r.h.Publish(ctx, holder(8, 3)), r.h.Publish(ctx, mesh.Shutdown{}))
		}()
		synctest.Wait()
		r.run()
		if err := errors.Join(<-published, r.mustEnd(interval)); err != nil {
			t.Error(err)
		}
		want := []string{
			"mesh.ReplicaUpdate", "mesh.ReplicaUpdate", "mesh.ReplicaUpdate", "mesh.JudgedCommit", "mesh.AdminReceived", "mesh.ReplicaUpdate",
		}
		if got := folded.all(); !slices.Equal(got, want) {
			t.Errorf("folded %q, want %q", got, want)
		}
	})
}

func TestAnUnsignedCommandThatIsQueuedCountsAsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		thaw := mesh.AdminReceived{Event: mesh.ThawCluster{}}
		if record, err := r.h.Unsigned(ctx, thaw); err != nil || record.Seq != 0 {
			t.Errorf("%+v, %v, want it queued without a record", record, err)
		}
		if _, err := r.h.Unsigned(ctx, thaw); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller that is gone: %v", err)
		}
		r.run()
		if s := r.ticks(1); len(s.Audit) != 1 {
			t.Errorf("audit is %+v, want the one that was queued", s.Audit)
		}
	})
}

func TestAJudgedCommitWaitsNoLongerThanTheLoopRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.h.Judged(ctx, cordon(1, "")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a loop that does not run: %v", err)
		}
		r.run()
		r.cancel()
		<-r.Done()
		if _, err := r.h.Judged(t.Context(), cordon(1, "")); !errors.Is(err, ErrLoopClosed) {
			t.Errorf("a loop that ended: %v", err)
		}
	})
}
