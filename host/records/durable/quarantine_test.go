package durable_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/records/disk/diskfault"
)

// A file that was set aside after a failed write may have kept half a record, and the
// node may have ended before it could begin a new one.
func TestB24_ATornFileThatWasSetAsideIsNotWrittenToAgain(t *testing.T) {
	raw, ends := fifty(t)
	for _, size := range []int64{ends[40] + 1, ends[41] - 1, ends[41]} {
		d := diskfault.New()
		d.Set(firstFile, raw[:size])
		if err := d.Protect(firstFile); err != nil {
			t.Fatal(err)
		}
		l := open(t, d)
		n := whole(ends, size)
		wantRead(t, l, upTo(n))
		if f := l.TakeFindings(); (len(f) == 0) != (size == ends[41]) || len(f) > 0 && !strings.Contains(f[0].Text, "; nothing more is written to the file; a new one is begun") {
			t.Errorf("cut to %d bytes: found %v", size, f)
		}
		write(t, l, records(n+1, n+2)...)
		if got := d.Content(firstFile); int64(len(got)) != size {
			t.Errorf("the file has %d bytes instead of %d", len(got), size)
		}
		wantRead(t, open(t, d), upTo(n+2))
		if report := walk(t, d); len(report.Damage) > 0 || report.Unfinished != nil || report.Records != n+2 {
			t.Errorf("verify says %+v", report)
		}
	}
}

// A node that is out of descriptors for a moment must not take its records for damaged:
// an appender would never get them.
func TestB24_AFileThatCanNotBeOpenedNowIsReadLater(t *testing.T) {
	d := diskfault.New()
	l := open(t, d, small)
	for _, e := range records(1, 10) {
		write(t, l, e)
	}
	left := 3
	d.SetFault(func(op, _ string) error {
		if op == "open" && left > 0 {
			left--
			return unix.EMFILE
		}
		return nil
	})
	r := l.Read(1)
	defer r.Close()
	for seq := uint64(1); seq <= 10; {
		e, number, err := r.Next()
		switch {
		case errors.Is(err, unix.EMFILE):
			if seq != 1 {
				t.Fatalf("at %d: %v", seq, err)
			}
		case err != nil || number != seq || e.Seq != seq:
			t.Fatalf("got seq %d as number %d, %v; want %d", e.Seq, number, err, seq)
		default:
			seq++
		}
	}
	if left != 0 {
		t.Errorf("%d faults are left", left)
	}
}
