package shim

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/daemon/spool"
)

// stored reads all lines of a folder.
func stored(t *testing.T, dir string) (out []string) {
	t.Helper()
	r := spool.NewReader(dir, spool.Position{})
	defer r.Close()
	for {
		line, ok, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return out
		}
		if line.Stream == spool.Suppressed {
			line.Text = "suppressed " + line.Text
		}
		out = append(out, line.Text)
	}
}

func TestLinesBeyondTheLimitOfAWindowAreCounted(t *testing.T) {
	dir := t.TempDir()
	writer, err := spool.NewWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		l := &limiter{writer: writer}
		want := make([]string, 0, 2*spool.MaxLines)
		for i := range spool.MaxLines {
			if !l.wanted() {
				t.Fatalf("line %d is not wanted", i)
			}
			l.line(spool.Out, fmt.Sprint(i))
			want = append(want, fmt.Sprint(i))
		}
		if l.wanted() {
			t.Fatal("there are too many, and one more is wanted")
		}
		l.line(spool.Out, "of the other stream, at the same time")
		l.suppress(99)
		time.Sleep(spool.Window) // a silent daemon, whose suppressed lines are reported all the same
		synctest.Wait()
		if got := stored(t, dir); got[len(got)-1] != "suppressed 100" {
			t.Errorf("the window is over, and the last line is %q", got[len(got)-1])
		}
		l.line(spool.Out, "in the next window")
		want = append(want, "suppressed 100", "in the next window")
		for range spool.MaxLines {
			l.line(spool.Out, "x")
		}
		for range spool.MaxLines - 1 {
			want = append(want, "x")
		}
		l.close()
		want = append(want, "suppressed 1")
		if got := stored(t, dir); !slices.Equal(got, want) {
			t.Errorf("stored are %d lines, want %d; the last is %q", len(got), len(want), got[len(got)-1])
		}
	})
	if err := writer.Close(); err != nil {
		t.Error(err)
	}
}
