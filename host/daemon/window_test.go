package daemon

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

func TestSuppressedLinesAreReportedWhenTheWindowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		o := &output{suppressed: new(atomic.Uint64), publish: func(l mesh.LogLine) bool {
			lines = append(lines, l.Message)
			return true
		}}
		say := func(n int) {
			for range n {
				o.line(mesh.LevelInfo, "x", time.Now(), mesh.OutputPlace{})
			}
		}
		// tail returns what came after the first n lines, and forgets all of it.
		tail := func(n int) []string {
			got := lines
			lines = nil
			if len(got) < n {
				t.Fatalf("%d lines came, want at least %d", len(got), n)
			}
			return got[n:]
		}
		say(maxLines + 100)
		if got := tail(maxLines); len(got) != 0 {
			t.Errorf("at first there came also %q", got)
		}
		if at, ok := o.flushAt(); !ok || time.Until(at) != lineWindow {
			t.Errorf("due in %v: %v", time.Until(at), ok)
		}
		time.Sleep(lineWindow) // the daemon prints nothing more
		o.flush()
		if got, want := tail(0), []string{"meshos: 100 lines suppressed: more than 500 in 5s"}; !slices.Equal(got, want) {
			t.Errorf("after the window there came %q, want %q", got, want)
		}
		say(maxLines + 7) // a new window
		if got := tail(maxLines); len(got) != 0 {
			t.Errorf("in the second window there came also %q", got)
		}
		o.flush() // the process ended
		if got, want := tail(0), []string{"meshos: 7 lines suppressed: more than 500 in 5s"}; !slices.Equal(got, want) {
			t.Errorf("at the end there came %q, want %q", got, want)
		}
		if _, ok := o.flushAt(); ok {
			t.Error("something is still to be reported")
		}
		o.flush()
		if got := tail(0); len(got) != 0 {
			t.Errorf("reported twice: %q", got)
		}
		if got := o.suppressed.Load(); got != 107 {
			t.Errorf("%d lines counted, want 107", got)
		}
	})
}

func TestWhatWaitedIsJudgedByWhenItWasPrinted(t *testing.T) {
	n := 0
	o := &output{suppressed: new(atomic.Uint64), publish: func(mesh.LogLine) bool { n++; return true }}
	begun := time.Now()
	for i := range 5000 { // two a second, all read at once
		o.line(mesh.LevelInfo, "x", begun.Add(time.Duration(i)*500*time.Millisecond), mesh.OutputPlace{})
	}
	if n != 5000 {
		t.Errorf("%d of 5000 lines came", n)
	}
	for i := range 10 { // the clock was set back
		o.line(mesh.LevelInfo, "x", begun.Add(time.Duration(i)*time.Second), mesh.OutputPlace{})
	}
	if n != 5010 {
		t.Errorf("%d lines came after the clock was set back", n-5000)
	}
}

func TestALineThatWasNotTakenIsNotCounted(t *testing.T) {
	o := &output{suppressed: new(atomic.Uint64), publish: func(mesh.LogLine) bool { return false }}
	if _, handled := o.line(mesh.LevelInfo, "x", time.Now(), mesh.OutputPlace{}); handled || o.lines != 0 {
		t.Errorf("counted %d", o.lines)
	}
}
