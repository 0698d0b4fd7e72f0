package records_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/records/disk"
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

func TestEndTakesNoLongerThanItsLimit(t *testing.T) {
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
		answer    func(context.Context, []*meshosv1.Record) error
		endWithin time.Duration
		sync      time.Duration // takes so long
		took      time.Duration
	}{
		"in an outage":             {answer: failThenHang},
		"hung":                     {answer: hang, took: time.Second},
		"hung, with another limit": {answer: hang, endWithin: 300 * time.Millisecond, took: 300 * time.Millisecond},
		"hung, and a slow disk":    {answer: hang, sync: 600 * time.Millisecond, took: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				o := records.Options{Dir: t.TempDir(), EndWithin: tc.endWithin, Log: slog.New(slog.NewTextHandler(&log, nil))}
				o.OpenChain = func(chain string) (disk.FS, error) {
					fs, err := disk.Open(filepath.Join(o.Dir, chain))
					return slowDisk{fs, tc.sync}, err
				}
				l, s, well := newLoop(), &store{name: "jsonl", answer: tc.answer}, &store{name: "well"}
				_, stop := followIn(t, l, o, records.Subscription{Appender: s}, records.Subscription{Appender: well})
				l.write(mesh.ChainLog, 1, "x")
				time.Sleep(tc.sync + 100*time.Millisecond)
				l.write(mesh.ChainAudit, 2, "")
				begun := time.Now()
				stop()
				if took := time.Since(begun); took != tc.took {
					t.Errorf("took %v, want %v", took, tc.took)
				}
				well.wantHeld(t, "log 1", "audit 1", "audit 2")
				if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "appender=jsonl waiting=3 ") {
					t.Errorf("the log says\n%s", got)
				}
			})
		})
	}
}

// slowDisk is a disk whose syncs take their time.
type slowDisk struct {
	disk.FS
	sync time.Duration
}

func (d slowDisk) Create(name string) (disk.File, error) {
	f, err := d.FS.Create(name)
	return slowFile{f, d.sync}, err
}

type slowFile struct {
	disk.File
	sync time.Duration
}

func (f slowFile) Sync() error {
	time.Sleep(f.sync)
	return f.File.Sync()
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
