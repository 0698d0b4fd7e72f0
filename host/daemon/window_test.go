package daemon

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// log keeps lines. It stands for the loop.
type log struct {
	Events
	mu    sync.Mutex
	lines []string
}

func (l *log) TryPublish(ev mesh.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, ev.(mesh.LogLine).Message)
	return nil
}

func TestSuppressedLinesAreSaidWhenTheWindowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{}
		o := &output{events: l, dropped: new(atomic.Uint64), suppressed: new(atomic.Uint64)}
		say := func(n int) {
			for range n {
				o.line(mesh.LevelInfo, "x")
			}
		}
		// tail gives what came after the first n lines, and forgets all of it.
		tail := func(n int) []string {
			synctest.Wait()
			l.mu.Lock()
			defer l.mu.Unlock()
			got := l.lines
			l.lines = nil
			if len(got) < n {
				t.Fatalf("%d lines came, want at least %d", len(got), n)
			}
			return got[n:]
		}
		say(maxLines + 100)
		if got := tail(maxLines); len(got) != 0 {
			t.Errorf("at first there came also %q", got)
		}
		time.Sleep(lineWindow) // the daemon says nothing more
		if got, want := tail(0), []string{"meshos: 100 lines suppressed: more than 500 in 5s"}; !slices.Equal(got, want) {
			t.Errorf("after the window there came %q, want %q", got, want)
		}
		say(maxLines + 7) // a new window
		if got := tail(maxLines); len(got) != 0 {
			t.Errorf("in the second window there came also %q", got)
		}
		o.end() // the process ended
		if got, want := tail(0), []string{"meshos: 7 lines suppressed: more than 500 in 5s"}; !slices.Equal(got, want) {
			t.Errorf("at the end there came %q, want %q", got, want)
		}
		time.Sleep(time.Minute)
		if got := tail(0); len(got) != 0 {
			t.Errorf("after the end there came %q", got)
		}
		if got := o.suppressed.Load(); got != 107 {
			t.Errorf("%d lines counted, want 107", got)
		}
	})
}
