package durable_test

import (
	"strings"
	"testing"

	"github.com/meshos/meshos/host/chain/disk/diskfault"
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
		if f := l.Findings(); (len(f) == 0) != (size == ends[41]) || len(f) > 0 && !strings.Contains(f[0].Text, "; nothing more is written to the file, and a new one is begun") {
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
