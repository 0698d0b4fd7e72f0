package records_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestOperator088_AppenderGetsEveryRecordOnceInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "jsonl"}
		_, stop := follow(t, l, records.Subscription{Appender: s})
		defer stop()
		l.write(mesh.ChainLog, 2, "hello")
		synctest.Wait()
		l.publish() // nothing new
		synctest.Wait()
		l.write(mesh.ChainLog, 1, "hello")
		time.Sleep(10 * time.Second) // lines alone are synced no sooner
		synctest.Wait()
		s.wantCalls(t, "log 1-2", "log 3-3")
		s.wantHeld(t, "log 1", "log 2", "log 3")
		if got := l.acked(mesh.ChainLog); got != 3 {
			t.Errorf("log acknowledged through %d, want 3", got)
		}
	})
}

func TestRareRecordsGoBeforeLogLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "jsonl"}
		l.write(mesh.ChainLog, 500, "flood")
		l.write(mesh.ChainAction, 1, "")
		l.write(mesh.ChainFailure, 1, "")
		l.write(mesh.ChainAudit, 1, "")
		_, stop := follow(t, l, records.Subscription{Appender: s})
		defer stop()
		synctest.Wait()
		s.wantCalls(t, "audit 1-1, failure 1-1, action 1-1, log 1-253", "log 254-500")
	})
}

func TestBatchStaysUnderOneMiB(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "jsonl"}
		l.write(mesh.ChainLog, 5, strings.Repeat("x", 300<<10))
		l.write(mesh.ChainLog, 1, strings.Repeat("x", 2<<20)) // large, but a call can carry it
		l.write(mesh.ChainLog, 1, "x")
		_, stop := follow(t, l, records.Subscription{Appender: s})
		defer stop()
		synctest.Wait()
		s.wantCalls(t, "log 1-3", "log 4-5", "log 6-6", "log 7-7")
		l.wantReports(t)
	})
}

func TestRecordTooLargeForACallIsLeftOutAndReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "jsonl"}
		l.write(mesh.ChainLog, 1, strings.Repeat("x", 4<<20))
		l.write(mesh.ChainLog, 1, "x")
		_, stop := follow(t, l, records.Subscription{Appender: s})
		defer stop()
		synctest.Wait()
		l.publish()
		synctest.Wait()
		s.wantHeld(t, "log 2", "failure 1")
		l.wantReports(t, "records: 1 log record lost: 1 too large for a call")
	})
}

func TestAppenderGetsOnlyItsChains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "audit-only"}
		_, stop := follow(t, l, records.Subscription{Appender: s, Chains: []mesh.RecordChain{mesh.ChainAudit}})
		defer stop()
		l.write(mesh.ChainLog, 3, "")
		l.write(mesh.ChainAudit, 1, "")
		synctest.Wait()
		s.wantHeld(t, "audit 1")
	})
}

func TestOperator085_086_B24_CHN32_Core304_ChainIsAcknowledgedWhenEveryAppenderHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		l, fast, slow := newLoop(), &store{name: "fast"}, &store{name: "slow"}
		slow.answers(func(ctx context.Context, _ []*meshosv1.Record) error {
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		_, stop := follow(t, l,
			records.Subscription{Appender: fast},
			records.Subscription{Appender: slow, Chains: []mesh.RecordChain{mesh.ChainAudit}})
		defer stop()
		l.write(mesh.ChainAudit, 2, "")
		l.write(mesh.ChainAction, 2, "")
		synctest.Wait()
		fast.wantHeld(t, "audit 1", "audit 2", "action 1", "action 2")
		if audit, action := l.acked(mesh.ChainAudit), l.acked(mesh.ChainAction); audit != 0 || action != 2 {
			t.Errorf("acknowledged audit %d and action %d, want 0 and 2", audit, action)
		}
		close(release)
		synctest.Wait()
		if audit := l.acked(mesh.ChainAudit); audit != 2 {
			t.Errorf("acknowledged audit %d, want 2", audit)
		}
	})
}

func TestChainWithoutAppenderIsAcknowledgedAsItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoop()
		_, stop := follow(t, l)
		defer stop()
		l.write(mesh.ChainFailure, 3, "")
		synctest.Wait()
		if got := l.acked(mesh.ChainFailure); got != 3 {
			t.Errorf("failures acknowledged through %d, want 3", got)
		}
		l.publish()
		synctest.Wait()
		if len(l.acks) != 1 {
			t.Errorf("acknowledged %v, want once", l.acks)
		}
	})
}

func TestAcknowledgementsOnlyGoForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, a, b := newLoop(), &store{name: "a"}, &store{name: "b"}
		_, stop := follow(t, l, records.Subscription{Appender: a}, records.Subscription{Appender: b})
		for range 200 {
			l.write(mesh.ChainLog, 7, "x")
		}
		synctest.Wait()
		stop()
		last := uint64(0)
		for _, ack := range l.acks {
			if ack.Through <= last {
				t.Fatalf("acknowledged %d after %d", ack.Through, last)
			}
			last = ack.Through
		}
		if last != 1400 {
			t.Errorf("acknowledged through %d, want 1400", last)
		}
	})
}

func TestSubscribeRefusesWhatCannotBe(t *testing.T) {
	for name, tc := range map[string]struct {
		subs []records.Subscription
		want string
	}{
		"same name twice": {
			[]records.Subscription{{Appender: &store{name: "x"}}, {Appender: &store{name: "x"}}},
			`two appenders are named "x"; a name must be unique`,
		},
		"unknown chain": {
			[]records.Subscription{{Appender: &store{name: "x"}, Chains: []mesh.RecordChain{9}}},
			`appender "x": there is no chain of records 9; there are audit, failure, action and log records`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := records.Open(records.Options{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close() }()
			err = r.Subscribe(tc.subs)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got error %v, want %s", err, tc.want)
			}
		})
	}
}
