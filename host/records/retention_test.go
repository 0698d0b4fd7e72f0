package records_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/snapshot"
)

// keeping is a node whose wall clock can be set, and which makes a log record every four hours.
type keeping struct {
	*loop
	t     *testing.T
	dir   string
	off   atomic.Int64 // of the wall clock
	mu    sync.Mutex   // of said
	say   []string
	end   func()
	hours int
}

// wall returns what the wall clock says.
func (k *keeping) wall() time.Time { return time.Now().Add(time.Duration(k.off.Load())) }

// Report is the loop's, with the time.
func (k *keeping) Report(ctx context.Context, r mesh.FailureReport) error {
	err := k.loop.Report(ctx, r)
	k.loop.mu.Lock()
	defer k.loop.mu.Unlock()
	k.snap.Failures[len(k.snap.Failures)-1].Wall = k.wall()
	return err
}

func (k *keeping) start(keepAge time.Duration, keepSize int64) {
	k.t.Helper()
	k.loop.mu.Lock()
	k.snap = snapshot.Snapshot{Node: node, Epoch: k.snap.Epoch + 1}
	k.seq = [5]uint64{}
	k.loop.mu.Unlock()
	k.publish()
	r, err := records.Open(records.Options{
		Dir: k.dir, KeepAge: keepAge, KeepSize: keepSize, SegmentSize: 1,
		Now: k.wall,
	})
	if err != nil {
		k.t.Fatal(err)
	}
	k.run(r)
}

func (k *keeping) run(r *records.Records) {
	ctx, cancel := context.WithCancel(k.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx, records.Node{Reader: k, Feed: k, Say: func(line mesh.LogLine) error {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.say = append(k.say, line.Message)
			return nil
		}})
	}()
	k.end = func() { cancel(); <-ended }
}

// passes lets time pass, and publishes every hour.
func (k *keeping) passes(d time.Duration) {
	for ; d > 0; d -= time.Hour {
		time.Sleep(time.Hour)
		if k.hours++; k.hours%4 == 0 {
			k.loop.mu.Lock()
			k.add(mesh.ChainLog, "x")
			k.snap.Logs[len(k.snap.Logs)-1].Wall = k.wall()
			k.loop.mu.Unlock()
		}
		k.publish()
		synctest.Wait()
	}
}

func (k *keeping) files() int {
	k.t.Helper()
	entries, err := os.ReadDir(filepath.Join(k.dir, "log"))
	if err != nil {
		k.t.Fatal(err)
	}
	return len(entries)
}

// said returns how many of the log and failure records since the last call have a text in them.
func (k *keeping) said(text string) (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.loop.mu.Lock()
	defer k.loop.mu.Unlock()
	all := slices.Clone(k.say)
	for _, r := range k.reports {
		all = append(all, r.Reason)
	}
	for _, one := range all {
		if strings.Contains(one, text) {
			n++
		}
	}
	return n
}

const month = 30 * 24 * time.Hour

func TestAClockThatIsAYearAheadForAMinuteCostsNoRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeping{loop: newLoop(), t: t, dir: t.TempDir()}
		k.start(month, 0)
		k.passes(100 * time.Hour)
		before := k.files()
		k.off.Store(int64(365 * 24 * time.Hour))
		time.Sleep(time.Minute)
		k.publish()
		synctest.Wait()
		k.off.Store(0)
		k.passes(48 * time.Hour)
		k.end()
		if got := k.files(); got != before+12 {
			t.Errorf("%d files, want the %d of before and 12 new ones", got, before)
		}
		if k.said("the wall clock was set ahead by 365 days") != 1 || k.said("was set back by 365 days") != 1 {
			t.Errorf("it says %q %q", k.say, k.reports)
		}
		if k.said("records are dropped for their age again") != 1 || k.said("dropped 1 file") != 0 {
			t.Errorf("it says %q", k.say)
		}
	})
}

func TestAClockThatStaysAheadDropsATenthAnHourAfterADayAndSaysWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeping{loop: newLoop(), t: t, dir: t.TempDir()}
		k.start(month, 0)
		k.passes(100 * time.Hour)
		k.off.Store(int64(365 * 24 * time.Hour))
		for range 3 { // a restart does not make the clock believed
			k.passes(4 * time.Hour)
			k.end()
			k.start(month, 0)
		}
		k.passes(12 * time.Hour)
		if got := k.files(); got != 31 {
			t.Errorf("%d files after a day, want all 31", got)
		}
		before := k.files()
		k.passes(time.Hour)
		first := before - k.files()
		k.passes(time.Hour)
		k.end()
		k.start(month, 0)
		k.passes(time.Hour)
		if now := before - k.files(); first != before/10 || now > 3*before/10 {
			t.Errorf("%d of %d files went in an hour, %d in three", first, before, now)
		}
		k.passes(100 * time.Hour)
		k.end()
		if got := k.files(); got < 30 || got > 32 {
			t.Errorf("%d files are left in the end, want those since the clock was set", got)
		}
		if k.said("dropped 3 files of log records (numbers 1 to 3, ") != 1 || k.said("they are older than records.keep_age (720h0m0s)") < 10 {
			t.Errorf("it says %q", k.say)
		}
	})
}

func TestSizeHoldsWhileTheClockIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeping{loop: newLoop(), t: t, dir: t.TempDir()}
		k.start(month, 10_000)
		k.off.Store(int64(365 * 24 * time.Hour))
		k.passes(200 * time.Hour)
		k.end()
		if got := k.files(); got < 25 || got > 40 {
			t.Errorf("%d files are left", got)
		}
		if n := k.said("the chain was larger than records.keep_size (10000 bytes)"); n == 0 {
			t.Errorf("it says %q", k.say)
		}
	})
}

func TestANodeThatWasOffForTwoMonthsDropsNothingForADay(t *testing.T) {
	for _, kept := range []bool{true, false} { // without: as an earlier version leaves it
		t.Run(fmt.Sprint("a file of the clock: ", kept), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := &keeping{loop: newLoop(), t: t, dir: t.TempDir()}
				k.start(month, 0)
				k.passes(100 * time.Hour)
				k.end()
				if !kept {
					if err := os.Remove(filepath.Join(k.dir, "clock")); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(2 * month)
				before := k.files()
				k.start(month, 0)
				k.passes(23 * time.Hour)
				if got := k.files(); got < before {
					t.Errorf("%d files of %d after a day", got, before)
				}
				if k.said("the node was off for so long, or the clock is wrong") != 1 {
					t.Errorf("it says %q", k.reports)
				}
				k.passes(72 * time.Hour)
				k.end()
				if got := k.files(); got > 25 {
					t.Errorf("%d files in the end", got)
				}
			})
		})
	}
}
