package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

func TestOneFsyncForAFileAndBatch(t *testing.T) {
	d := &faultyDisk{folder: folder(t.TempDir())}
	c := opened(t, d, roomy)
	mustAppend(t, c, entries(t, 7, 1, 1))
	d.count("")
	mustAppend(t, c, entries(t, 7, 2, 200))
	if n := d.count("fsync log.jsonl"); n != 1 {
		t.Errorf("%d fsyncs for a batch, want 1", n)
	}
	mustAppend(t, c, entries(t, 7, 2, 200))
	if n := d.count("write log.jsonl"); n != 0 {
		t.Errorf("%d writes for records that are held, want none", n)
	}
}

// Whichever step fails, the call fails. After the same batch is sent again, each record is
// there once.
func TestAfterEveryFailureABatchCanBeSentAgain(t *testing.T) {
	broken := errors.New("broken")
	for _, op := range []string{"open", "write", "fsync", "sync", "rename"} {
		for _, torn := range []int{0, 1, 100, 1 << 20} {
			for _, first := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s after %d bytes, new file %v", op, torn, first), func(t *testing.T) {
					dir := t.TempDir()
					d := &faultyDisk{folder: folder(dir), torn: torn}
					all := entries(t, 7, 1, 20)
					c := opened(t, d, limits{maxSize: int64(len(text(all))) / 2})
					held := 0
					if !first {
						held = 5
						mustAppend(t, c, all[:held])
					}
					d.failing(op, broken)
					err := c.append(t.Context(), all)
					if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "log.jsonl: ") {
						t.Fatalf("error %v, want one that names the file", err)
					}
					d.failing("", nil)
					mustAppend(t, c, all)
					wantContent(t, dir, text(all))
				})
			}
		}
	}
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	d := &faultyDisk{folder: folder(dir), torn: 30}
	c := opened(t, d, roomy)
	mustAppend(t, c, entries(t, 7, 1, 2))
	d.failing("write", unix.ENOSPC)
	for range 3 {
		err := c.append(t.Context(), entries(t, 7, 3, 9))
		if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "free some space") {
			t.Fatalf("error %v", err)
		}
		wantContent(t, dir, text(entries(t, 7, 1, 2))) // the part that was written is gone
	}
	d.failing("", nil)
	mustAppend(t, c, entries(t, 7, 3, 9))
	wantContent(t, dir, text(entries(t, 7, 1, 9)))
}

// A file whose fsync failed is closed, opened again and cut back before anything
// is written to it.
func TestFailedFsyncIsNotTrusted(t *testing.T) {
	dir := t.TempDir()
	d := &faultyDisk{folder: folder(dir)}
	c := opened(t, d, roomy)
	mustAppend(t, c, entries(t, 7, 1, 2))
	d.failing("fsync", unix.EIO)
	if err := c.append(t.Context(), entries(t, 7, 3, 4)); !errors.Is(err, unix.EIO) {
		t.Fatal(err)
	}
	if c.file != nil {
		t.Error("the file is still in use")
	}
	for _, step := range []struct {
		fails bool
		ops   string
	}{
		{true, "open log.jsonl, truncate log.jsonl, fsync log.jsonl"},
		{true, "open log.jsonl, fsync log.jsonl"},
		{false, "open log.jsonl, fsync log.jsonl, sync folder, write log.jsonl, fsync log.jsonl"},
	} {
		if !step.fails {
			d.failing("", nil)
		}
		d.count("") // start counting anew
		if err := c.append(t.Context(), entries(t, 7, 3, 4)); (err != nil) != step.fails {
			t.Fatalf("error %v, want one: %v", err, step.fails)
		}
		d.mu.Lock()
		if got := strings.Join(d.ops, ", "); got != step.ops {
			t.Errorf("did %s\nwant %s", got, step.ops)
		}
		d.mu.Unlock()
	}
	wantContent(t, dir, text(entries(t, 7, 1, 4)))
}

// If the partial line can't be cut off at once, it is cut off later.
func TestTruncateFailsToo(t *testing.T) {
	dir := t.TempDir()
	d := &faultyDisk{folder: folder(dir), torn: 100}
	c := opened(t, d, roomy)
	mustAppend(t, c, entries(t, 7, 1, 2))
	d.mu.Lock()
	d.fail = func(op, _ string) error {
		if op == "write" || op == "truncate" {
			return unix.EIO
		}
		return nil
	}
	d.mu.Unlock()
	for range 2 {
		if err := c.append(t.Context(), entries(t, 7, 3, 4)); !errors.Is(err, unix.EIO) {
			t.Fatal(err)
		}
	}
	d.failing("", nil)
	mustAppend(t, c, entries(t, 7, 3, 4))
	wantContent(t, dir, text(entries(t, 7, 1, 4)))
}

func TestCancelledAppendWritesNothing(t *testing.T) {
	dir := t.TempDir()
	c := opened(t, folder(dir), roomy)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.append(ctx, entries(t, 7, 1, 2)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	wantContent(t, dir, "")
}

// After batches, repeats, faults of every kind and restarts in any order, what was
// acknowledged is there, each record once, in order.
func TestNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	all := entries(t, 7, 1, 60)
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		d := &faultyDisk{folder: folder(dir)}
		small := limits{maxSize: rapid.Int64Range(600, 3000).Draw(rt, "max_size")}
		c := opened(t, d, small)
		acked := 0
		for step := range rapid.IntRange(1, 12).Draw(rt, "steps") {
			if rapid.IntRange(0, 4).Draw(rt, "restart") == 0 {
				d.failing("", nil)
				if err := c.end(); err != nil {
					rt.Fatal(err)
				}
				c = opened(t, d, small)
			}
			d.mu.Lock()
			d.torn = rapid.IntRange(0, 500).Draw(rt, "torn")
			d.mu.Unlock()
			op := rapid.SampledFrom([]string{"", "", "open", "write", "fsync", "sync", "rename", "truncate"}).Draw(rt, "fault")
			in := rapid.IntRange(0, 3).Draw(rt, "after")
			d.mu.Lock()
			d.fail = func(got, _ string) error { // fails from the in-th time on
				if got != op {
					return nil
				}
				if in--; in < 0 {
					return fmt.Errorf("step %d: %w", step, unix.EIO)
				}
				return nil
			}
			d.mu.Unlock()
			from := max(0, acked-rapid.IntRange(0, 10).Draw(rt, "again"))
			to := min(len(all), acked+rapid.IntRange(0, 20).Draw(rt, "more"))
			if c.append(t.Context(), all[from:to]) == nil {
				acked = max(acked, to)
			}
		}
		d.failing("", nil)
		got := content(t, dir, chainLog)
		if !strings.HasPrefix(got, text(all[:acked])) {
			rt.Fatalf("acknowledged %d records, the files hold\n%s", acked, got)
		}
		mustAppend(t, c, all)
		wantContent(t, dir, text(all))
	})
}
