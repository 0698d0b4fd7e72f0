package records_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestLastRecordsAreStoredAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "jsonl"}
		s.answers(func(context.Context, []*meshosv1.Record) error {
			time.Sleep(100 * time.Millisecond)
			return nil
		})
		_, stop := follow(t, l, records.Subscription{Appender: s})
		l.write(mesh.ChainLog, 300, "x")
		synctest.Wait()
		l.write(mesh.ChainAudit, 1, "")
		l.closed = true
		stop()
		if n := len(s.held); n != 301 {
			t.Errorf("holds %d records at the end, want 301: %v", n, s.calls)
		}
	})
}

func TestEndWaitsForNobodyLong(t *testing.T) {
	hang := func(ctx context.Context, _ []*meshosv1.Record) error {
		<-ctx.Done()
		return ctx.Err()
	}
	failed := false
	failThenHang := func(ctx context.Context, records []*meshosv1.Record) error {
		if failed {
			return hang(ctx, records)
		}
		failed = true
		return errDisk
	}
	for name, tc := range map[string]struct {
		answer func(context.Context, []*meshosv1.Record) error
		within time.Duration
	}{
		"in an outage": {failThenHang, 0},
		"hung":         {hang, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, s := newLoop(), &store{name: "jsonl", answer: tc.answer}
				_, stop := follow(t, l, records.Subscription{Appender: s})
				l.write(mesh.ChainLog, 1, "x")
				time.Sleep(100 * time.Millisecond)
				begun := time.Now()
				stop()
				if took := time.Since(begun); took > tc.within {
					t.Errorf("took %v, want at most %v", took, tc.within)
				}
			})
		})
	}
}

func TestLoopThatTakesNothingCostsNoSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "jsonl", answer: always(errDisk)}
		l.closed = true
		_, stop := follow(t, l, records.Subscription{Appender: s, Chains: []mesh.RecordChain{mesh.ChainLog}})
		l.write(mesh.ChainAudit, 1, "")
		l.write(mesh.ChainLog, 1, "")
		time.Sleep(time.Hour) // which would never pass if somebody spun
		synctest.Wait()
		l.mu.Lock()
		l.closed = false
		l.mu.Unlock()
		time.Sleep(time.Second + time.Millisecond)
		if got := l.acked(mesh.ChainAudit); got != 1 {
			t.Errorf("acknowledged through %d once the loop takes it, want 1", got)
		}
		stop()
	})
}
