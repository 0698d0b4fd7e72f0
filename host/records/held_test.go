package records_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/disk/diskfault"
)

// counted returns options whose chains count their syncs.
func counted(t *testing.T, syncs *atomic.Int64) records.Options {
	t.Helper()
	return records.Options{Dir: t.TempDir(), OpenChain: func(string) (disk.FS, error) {
		d := diskfault.New()
		d.SetFault(func(op, _ string) error {
			if op == "sync" {
				syncs.Add(1)
			}
			return nil
		})
		return d, nil
	}}
}

// A node that logs a line a second does not keep its disk busy: lines alone are synced each ten
// seconds at most, and the first after a quiet while at once.
func TestLinesAloneAreSyncedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var syncs atomic.Int64
		o := counted(t, &syncs)
		l, s := newLoop(), &store{name: "jsonl"}
		_, stop := followIn(t, l, o, records.Subscription{Appender: s})
		for range 200 {
			l.write(mesh.ChainLog, 1, "hello")
			time.Sleep(time.Second)
		}
		if got := syncs.Load(); got < 10 || got > 30 {
			t.Errorf("200 lines in 200 s took %d syncs", got)
		}
		time.Sleep(30 * time.Second)
		if got := l.acked(mesh.ChainLog); got != 200 {
			t.Errorf("after a quiet while %d of 200 are acknowledged", got)
		}
		before := syncs.Load()
		l.write(mesh.ChainLog, 1, "hello")
		synctest.Wait()
		if got := l.acked(mesh.ChainLog); got != 201 || syncs.Load() == before {
			t.Errorf("a line after a quiet while waits: %d are acknowledged", got)
		}
		stop()
	})
}

// Lines that are held go to disk with other records, in a flood, and at the end.
func TestHeldLinesGoWithOthersInAFloodAndAtTheEnd(t *testing.T) {
	for name, more := range map[string]struct {
		do   func(l *loop, stop func())
		want uint64
	}{
		"with a command": {func(l *loop, _ func()) { l.write(mesh.ChainAudit, 1, "") }, 2},
		"in a flood":     {func(l *loop, _ func()) { l.write(mesh.ChainLog, 500, "flood") }, 502},
		"at the end":     {func(_ *loop, stop func()) { stop() }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var syncs atomic.Int64
				o := counted(t, &syncs)
				l, s := newLoop(), &store{name: "jsonl"}
				_, stop := followIn(t, l, o, records.Subscription{Appender: s})
				ended := false
				end := func() {
					if !ended {
						ended = true
						stop()
					}
				}
				defer end()
				l.write(mesh.ChainLog, 1, "first")
				synctest.Wait()
				l.write(mesh.ChainLog, 1, "held")
				synctest.Wait()
				if got := l.acked(mesh.ChainLog); got != 1 {
					t.Fatalf("acknowledged through %d before, want 1", got)
				}
				more.do(l, end)
				synctest.Wait()
				if got := l.acked(mesh.ChainLog); more.want > 0 && got != more.want {
					t.Errorf("acknowledged through %d, want %d", got, more.want)
				}
				if more.want == 0 {
					s.wantHeld(t, "log 1", "log 2")
				}
			})
		})
	}
}
