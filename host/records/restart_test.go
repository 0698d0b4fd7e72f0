package records_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/disk/diskfault"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func restarted() *loop {
	l := newLoop()
	l.snap.Epoch = epoch + 1
	return l
}

func TestB24_RecordsOfEarlierRunsWaitForTheirAppender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := records.Options{Dir: t.TempDir()}
		run := func(l *loop, s *store, during func()) {
			chains := []mesh.RecordChain{mesh.ChainAudit, mesh.ChainLog}
			_, stop := followIn(t, l, o, records.Subscription{Appender: s, Chains: chains})
			during()
			stop()
		}
		broken := &store{name: "jsonl", answer: always(errDisk)}
		l := newLoop()
		run(l, broken, func() {
			l.write(mesh.ChainLog, 2, "x")
			l.write(mesh.ChainAudit, 1, "x")
			synctest.Wait()
			if l.acked(mesh.ChainLog) != 0 {
				t.Error("acknowledged what nobody holds")
			}
		})
		well := &store{name: "jsonl"}
		l = restarted()
		run(l, well, func() {
			synctest.Wait()
			well.wantHeld(t, "audit 1", "log 1", "log 2")
			l.write(mesh.ChainLog, 1, "x")
			synctest.Wait()
			if got := l.acked(mesh.ChainLog); got != 1 {
				t.Errorf("acknowledged through %d of the new epoch, want 1", got)
			}
		})
		well.wantHeld(t, "audit 1", "log 1", "log 2", "log 1 of epoch 78")

		again := &store{name: "jsonl"}
		l = restarted()
		l.snap.Epoch = epoch + 2
		run(l, again, func() {
			l.write(mesh.ChainAudit, 1, "x")
			synctest.Wait()
		})
		again.wantHeld(t, "audit 1 of epoch 79")

		other := &store{name: "later"}
		run(restarted(), other, synctest.Wait)
		other.wantHeld(t, "audit 1", "audit 1 of epoch 79", "log 1", "log 2", "log 1 of epoch 78")
	})
}

func TestACursorThatDoesNotFitTheLogStartsOverAndIsReported(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"the log is gone":          func(dir string) error { return os.RemoveAll(filepath.Join(dir, "log")) },
		"the cursors are not JSON": func(dir string) error { return os.WriteFile(dir+"/cursors/jsonl", []byte("{"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				run := func(l *loop, s *store) {
					_, stop := followIn(t, l, records.Options{Dir: dir}, records.Subscription{Appender: s, Chains: []mesh.RecordChain{mesh.ChainLog}})
					l.write(mesh.ChainLog, 3, "x")
					synctest.Wait()
					stop()
				}
				run(newLoop(), &store{name: "jsonl"})
				if err := spoil(dir); err != nil {
					t.Fatal(err)
				}
				l, s := restarted(), &store{name: "jsonl"}
				run(l, s)
				if len(l.reports) != 1 || !strings.Contains(l.reports[0].Reason, "jsonl is sent all ") {
					t.Errorf("reports: %v", l.reports)
				}
				if n := len(s.held); n < 3 || !slices.Contains(s.held, "log 3 of epoch 78") {
					t.Errorf("holds %v", s.held)
				}
			})
		})
	}
}

func TestB24_ACursorThatStartsOverIsSavedSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		audit := []mesh.RecordChain{mesh.ChainAudit}
		run := func(l *loop, count int) {
			_, stop := followIn(t, l, records.Options{Dir: dir}, records.Subscription{Appender: &store{name: "jsonl"}, Chains: audit})
			l.write(mesh.ChainAudit, count, "x")
			synctest.Wait()
			stop()
		}
		run(newLoop(), 3)
		if cursors, err := records.ReadCursors(dir); err != nil || len(cursors) != 1 || cursors[0].Number != 3 || cursors[0].Seq != 3 || cursors[0].Chain != "audit" {
			t.Fatalf("cursors %v: %v", cursors, err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "audit")); err != nil {
			t.Fatal(err)
		}
		run(restarted(), 0) // nothing comes that would move the cursor
		if cursors, err := records.ReadCursors(dir); err != nil || len(cursors) != 0 {
			t.Errorf("cursors %v: %v; a log that begins anew would be taken for one that was cut off", cursors, err)
		}
	})
}

func TestCursorsThatCanNotBeSavedAreLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, l := t.TempDir(), newLoop()
		if err := os.WriteFile(filepath.Join(dir, "cursors"), nil, 0o600); err != nil { // no folder
			t.Fatal(err)
		}
		var log strings.Builder
		_, stop := followIn(t, l, records.Options{
			Dir: dir, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
		}, records.Subscription{Appender: &store{name: "jsonl"}})
		l.write(mesh.ChainAudit, 1, "x")
		time.Sleep(150 * time.Second)
		synctest.Wait()
		stop()
		if got := strings.Count(log.String(), "cursors were not saved"); got != 3 {
			t.Errorf("logged %d times in two minutes and a half, want 3:\n%s", got, log.String())
		}
	})
}

// onDisk returns options with the audit chain on a disk that can fail.
func onDisk(t *testing.T, d *diskfault.Disk) records.Options {
	dir := t.TempDir()
	return records.Options{Dir: dir, AuditLimit: 2000, OpenChain: func(name string) (disk.FS, error) {
		if name == "audit" {
			return d, nil
		}
		return disk.Open(filepath.Join(dir, name))
	}}
}

func TestB24_NothingIsAcknowledgedBeforeItIsOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := diskfault.New()
		l := newLoop()
		r, stop := followIn(t, l, onDisk(t, d))
		defer stop()
		d.SetFault(func(op, _ string) error {
			if op == "sync" {
				return errDisk
			}
			return nil
		})
		l.write(mesh.ChainAudit, 2, "x")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
		defer cancel()
		durable := make(chan error, 1)
		go func() { durable <- r.Durable(ctx, mesh.ChainAudit, epoch, 2) }()
		time.Sleep(30 * time.Second)
		if l.acked(mesh.ChainAudit) != 0 || len(durable) != 0 || !r.AuditFull() {
			t.Errorf("acknowledged %d, durable %d, full %v", l.acked(mesh.ChainAudit), len(durable), r.AuditFull())
		}
		l.mu.Lock()
		reports := l.reports
		l.mu.Unlock()
		if len(reports) != 1 || reports[0].Source != "records" ||
			!strings.HasPrefix(reports[0].Reason, "audit records can't be written to disk; they wait in memory for the next attempt: ") {
			t.Errorf("reports: %v", reports)
		}
		d.SetFault(nil)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if err := <-durable; err != nil || l.acked(mesh.ChainAudit) != 2 || r.AuditFull() {
			t.Errorf("%v, acknowledged %d, full %v", err, l.acked(mesh.ChainAudit), r.AuditFull())
		}
	})
}

func TestDurableEndsWithItsContextAndWithTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoop()
		r, stop := follow(t, l)
		l.write(mesh.ChainAudit, 1, "x")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Durable(ctx, mesh.ChainAudit, epoch, 2); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, records.ErrLost) {
			t.Errorf("got %v", err)
		}
		stop()
		if err := r.Durable(t.Context(), mesh.ChainAudit, epoch, 1); err != nil {
			t.Errorf("record 1: %v", err)
		}
		if err := r.Durable(t.Context(), mesh.ChainAudit, epoch, 2); !errors.Is(err, records.ErrLost) {
			t.Errorf("record 2: %v", err)
		}
		if err := r.Durable(t.Context(), mesh.ChainAudit, 5, 1); !errors.Is(err, records.ErrLost) {
			t.Errorf("another epoch: %v", err)
		}
	})
}

func TestAuditIsFullAtItsLimitAndGoesOnAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoop()
		r, stop := followIn(t, l, onDisk(t, diskfault.New()))
		defer stop()
		if r.AuditFull() {
			t.Error("full at once")
		}
		for range 20 {
			l.write(mesh.ChainAudit, 5, "x")
			synctest.Wait()
		}
		if !r.AuditFull() {
			t.Error("not full")
		}
		if got := l.acked(mesh.ChainAudit); got != 100 {
			t.Errorf("%d of 100 are on disk: break-glass must pass", got)
		}
	})
}

func TestReadResumesByEpochAndSeqBeyondTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		for _, l := range []*loop{newLoop(), restarted()} {
			slow := &store{name: "slow"}
			if l.snap.Epoch != epoch {
				slow.answers(always(errDisk))
			}
			r, stop := followIn(t, l, records.Options{Dir: dir}, records.Subscription{Appender: slow})
			for range 3 {
				l.write(mesh.ChainFailure, 200, "x") // the ring holds 256
				synctest.Wait()
			}
			if l.snap.Epoch == epoch {
				stop()
				continue
			}
			for _, c := range []struct {
				from        mesh.RecordPosition
				known       bool
				first, last string
				n           int
			}{
				{mesh.RecordPosition{}, true, "failure 1", "failure 600 of epoch 78", 1200},
				{mesh.RecordPosition{Epoch: epoch, Seq: 10}, true, "failure 11", "failure 600 of epoch 78", 1190},
				{mesh.RecordPosition{Epoch: epoch, Seq: 600}, true, "failure 1 of epoch 78", "failure 600 of epoch 78", 600},
				{mesh.RecordPosition{Epoch: epoch + 1, Seq: 599}, true, "failure 600 of epoch 78", "failure 600 of epoch 78", 1},
				{mesh.RecordPosition{Epoch: 5, Seq: 599}, false, "failure 1", "failure 600 of epoch 78", 1200},
			} {
				var got []string
				err := r.Read(t.Context(), mesh.ChainFailure, c.from, func(known bool) error {
					if known != c.known {
						t.Errorf("%+v: known %v", c.from, known)
					}
					return nil
				}, func(record *meshosv1.Record) error {
					f := record.GetFailure()
					if f.GetChainPending() != (f.GetEpoch() != epoch) {
						t.Fatalf("%s: pending %v", label(record), f.GetChainPending())
					}
					got = append(got, label(record))
					return nil
				})
				if err != nil || len(got) != c.n || got[0] != c.first || got[len(got)-1] != c.last {
					t.Errorf("%+v: %d records, error %v", c.from, len(got), err)
				}
			}
			stop()
		}
	})
}

func TestDamageOnDiskIsReportedAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		l := newLoop()
		_, stop := followIn(t, l, records.Options{Dir: dir})
		l.write(mesh.ChainAudit, 3, "x")
		synctest.Wait()
		stop()
		file := filepath.Join(dir, "audit", "0000000001.rec")
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		raw[len(raw)/2] ^= 1
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		l = restarted()
		_, stop = followIn(t, l, records.Options{Dir: dir})
		l.write(mesh.ChainAudit, 1, "x")
		synctest.Wait()
		stop()
		if len(l.reports) != 1 || !strings.HasPrefix(l.reports[0].Reason, "audit records: "+file+" is damaged at offset ") {
			t.Errorf("reports: %v", l.reports)
		}
		if got := l.acked(mesh.ChainAudit); got != 1 {
			t.Errorf("acknowledged %d", got)
		}
	})
}
