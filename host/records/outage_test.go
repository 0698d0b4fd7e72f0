package records_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func always(err error) func(context.Context, []*meshosv1.Record) error {
	return func(context.Context, []*meshosv1.Record) error { return err }
}

var errDisk = errors.New("disk full")

func TestFailedBatchComesAgainAsItWasAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "jsonl", answer: always(errDisk)}
		f, stop := follow(t, l, records.Subscription{Appender: s, Chains: []mesh.RecordChain{mesh.ChainLog}})
		defer stop()
		l.write(mesh.ChainLog, 2, "x")
		synctest.Wait()
		l.write(mesh.ChainLog, 1, "y") // comes after the batch, not with it
		time.Sleep(100 * time.Second)
		synctest.Wait()

		var waits []time.Duration
		for i, at := range s.at[1:] {
			waits = append(waits, at.Sub(s.at[i]))
		}
		const ms = time.Millisecond
		want := []time.Duration{200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 12800 * ms, 25600 * ms, 30000 * ms}
		if !slices.Equal(waits, want) {
			t.Errorf("waited %v, want %v", waits, want)
		}
		for _, c := range s.calls {
			if c != "log 1-2" {
				t.Errorf("called with %s, want the same batch again", c)
			}
		}
		if got := f.AppendFailures(); got != uint64(len(s.calls)) {
			t.Errorf("%d append failures counted, want %d", got, len(s.calls))
		}

		s.answers(nil)
		time.Sleep(30 * time.Second)
		s.wantHeld(t, "log 1", "log 2", "log 3")
	})
}

func TestOutageIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "jsonl", answer: always(errDisk)}
		_, stop := follow(t, l, records.Subscription{Appender: s})
		defer stop()
		l.write(mesh.ChainLog, 1, "x")
		time.Sleep(4 * time.Second)
		synctest.Wait()
		l.wantReports(t) // it may be only a restart
		time.Sleep(time.Hour)
		synctest.Wait()
		want := "appender:jsonl: jsonl can't store audit, failure, action and log records; they wait on the node's disk for the next attempt: disk full"
		l.wantReports(t, want)

		s.answers(nil)
		time.Sleep(30 * time.Second)
		l.publish()
		time.Sleep(time.Second)
		s.wantHeld(t, "log 1", "failure 1")

		s.answers(always(errDisk))
		l.write(mesh.ChainLog, 1, "x")
		time.Sleep(time.Hour)
		synctest.Wait()
		l.wantReports(t, want, want)
	})
}

func TestAppenderThatFailsEveryOtherCallIsNotFedByItsOwnFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "jsonl"}
		n := 0
		s.answers(func(context.Context, []*meshosv1.Record) error {
			// It is away for long enough to be reported, then takes one batch.
			if n++; n%7 != 0 {
				return errDisk
			}
			return nil
		})
		_, stop := follow(t, l, records.Subscription{Appender: s})
		defer stop()
		for range 2 * 600 { // ten minutes of ticks
			l.write(mesh.ChainLog, 1, "x")
			time.Sleep(500 * time.Millisecond)
		}
		synctest.Wait()
		if got := len(l.reports); got < 5 || got > 10 {
			t.Errorf("%d reports in ten minutes, want at most one a minute", got)
		}
	})
}

func TestPluginThatIsAwayIsAskedSoonAndCountsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "jsonl"}
		s.answers(always(fmt.Errorf("plugin jsonl is starting: %w", records.ErrAway)))
		f, stop := follow(t, l, records.Subscription{Appender: s})
		defer stop()
		l.write(mesh.ChainLog, 1, "x")
		time.Sleep(20 * time.Second)
		s.answers(nil)
		time.Sleep(time.Second)
		s.wantHeld(t, "log 1")
		if got := f.AppendFailures(); got != 0 {
			t.Errorf("%d append failures counted, want none", got)
		}
		l.wantReports(t, "appender:jsonl: jsonl can't store audit, failure, action and log records; "+
			"they wait on the node's disk for the next attempt: plugin jsonl is starting: the appender is not there")
	})
}

func TestHungAppenderIsCutOffAndDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, hung, well := newLoop(), &store{name: "hung"}, &store{name: "well"}
		hung.answers(func(ctx context.Context, _ []*meshosv1.Record) error {
			<-ctx.Done()
			return ctx.Err()
		})
		f, stop := follow(t, l, records.Subscription{Appender: hung}, records.Subscription{Appender: well})
		defer stop()
		l.write(mesh.ChainLog, 1, "x")
		synctest.Wait()
		well.wantHeld(t, "log 1")
		time.Sleep(10*time.Second + 100*time.Millisecond)
		if got := f.AppendFailures(); got != 1 {
			t.Errorf("%d append failures after 10 s, want 1", got)
		}
	})
}

func TestPanickingAppenderIsOneFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "jsonl"}
		s.answers(func(context.Context, []*meshosv1.Record) error {
			s.answers(nil)
			panic("boom")
		})
		f, stop := follow(t, l, records.Subscription{Appender: s})
		defer stop()
		l.write(mesh.ChainLog, 1, "x")
		time.Sleep(time.Second)
		s.wantHeld(t, "log 1")
		if got := f.AppendFailures(); got != 1 {
			t.Errorf("%d append failures, want 1", got)
		}
	})
}

func TestAnOutageLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "jsonl", answer: always(errDisk)}
		_, stop := follow(t, l, records.Subscription{Appender: s, Chains: []mesh.RecordChain{mesh.ChainLog}})
		defer stop()
		for range 10 { // five times what the ring holds
			l.write(mesh.ChainLog, 1024, "x")
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		s.answers(nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(s.held); n != 10240 || s.held[10239] != "log 10240" {
			t.Errorf("holds %d records", n)
		}
		if got := l.acked(mesh.ChainLog); got != 10240 {
			t.Errorf("acknowledged through %d, want 10240", got)
		}
		l.wantReports(t)
	})
}

func TestARingThatRunsPastTheWriterLeavesAMarkedGapAndOneReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLoop(), &store{name: "jsonl"}
		dir := t.TempDir()
		r, stop := followIn(t, l, records.Options{Dir: dir}, records.Subscription{Appender: s, Chains: []mesh.RecordChain{mesh.ChainLog}})
		l.write(mesh.ChainLog, 10, "x")
		synctest.Wait()
		l.write(mesh.ChainLog, 2048+5, "x") // 11 … 15 leave the ring before anybody looks
		synctest.Wait()
		l.wantReports(t, "records: 5 log records lost: 5 left the node's memory before they could be written")
		if n := len(s.held); n != 10+2048 || s.held[9] != "log 10" || s.held[10] != "log 16" {
			t.Errorf("holds %d records, %v …", n, s.held[9:11])
		}
		if got := l.acked(mesh.ChainLog); got != 2063 {
			t.Errorf("acknowledged through %d, want 2063", got)
		}
		for seq, lost := range map[uint64]bool{10: false, 11: true, 15: true, 16: false} {
			if err := r.Durable(t.Context(), mesh.ChainLog, epoch, seq); errors.Is(err, records.ErrLost) != lost {
				t.Errorf("record %d: %v", seq, err)
			}
		}
		stop()
		report := verify(t, dir, "log")
		if len(report.Damage) > 0 || report.Gaps != 1 || report.Missing != 5 {
			t.Errorf("verify says %+v", report)
		}
	})
}

func TestGapsAreReportedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoop()
		_, stop := follow(t, l)
		defer stop()
		for range 30 { // two and a half minutes
			l.write(mesh.ChainLog, 2100, "x")
			time.Sleep(5 * time.Second)
		}
		synctest.Wait()
		if got := len(l.reports); got != 3 {
			t.Errorf("%d reports, want 3", got)
		}
		for _, r := range l.reports {
			if !strings.Contains(r.Reason, " log records lost: ") {
				t.Errorf("unexpected report %v", r)
			}
		}
	})
}
