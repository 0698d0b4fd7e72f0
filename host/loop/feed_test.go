package loop

import (
	"context"
	"errors"
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
				record, err := r.Feed().Judged(t.Context(), cordon(1, "replayed"))
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
		record, err := r.Feed().Judged(t.Context(), cordon(2, ""))
		if err != nil || record.Outcome.Kind != mesh.RejectFrozen || record.Seq != all+2 {
			t.Errorf("got %+v, %v, want what the freeze gate said", record, err)
		}
	})
}

func TestAJudgedCommitWaitsNoLongerThanTheLoopLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Feed().Judged(ctx, cordon(1, "")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a loop that does not run: %v", err)
		}
		r.run()
		r.cancel()
		<-r.Done()
		if _, err := r.Feed().Judged(t.Context(), cordon(1, "")); !errors.Is(err, ErrLoopClosed) {
			t.Errorf("a loop that ended: %v", err)
		}
	})
}
