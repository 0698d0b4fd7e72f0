package logkinds

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// log is a log with a counter before it, and the time.
type log struct {
	Counter
	now   time.Time
	lines []string
}

func (l *log) add(format string, args ...any) {
	line := Line{4, fmt.Sprintf(format, args...)}
	l.due()
	if l.Add(l.now, line) {
		l.lines = append(l.lines, line.Message)
	}
}

func (l *log) due() {
	for _, line := range l.Due(l.now) {
		l.lines = append(l.lines, line.Message)
	}
}

// The uplink of a node with 1,200 peers goes: a few have refused before it did.
func TestLinesOfOneKindAreCountedTogether(t *testing.T) {
	l := &log{now: time.Unix(1e9, 0)}
	for i := range 1200 {
		reason := `"timed out"`
		if i < 3 {
			reason = `"refused: nobody listens"`
		}
		l.add(`peer is unreachable error="dial tcp 10.0.%d.%d:80: x" name=n%d peer=%d reason=%s target=10.0.0.%d:80`, i/250, i%250, i, i, reason, i)
	}
	l.now = l.now.Add(Window)
	l.due()
	want := "peer is unreachable: 1,195 more like this in 5s: refused: nobody listens 0, timed out 1,195; such as n5, n6, n7"
	if len(l.lines) != Shown+1 || l.lines[Shown] != want {
		t.Errorf("%d lines, the last %q", len(l.lines), l.lines[len(l.lines)-1])
	}
	// It goes on: one line is shown, the others are counted again.
	for i := range 100 {
		l.add("peer is unreachable peer=%d", i)
	}
	l.now = l.now.Add(Window)
	l.due()
	if d := cmp.Diff([]string{"peer is unreachable peer=0", "peer is unreachable: 99 more like this in 5s; such as 1, 2, 3"}, l.lines[Shown+1:]); d != "" {
		t.Error(d)
	}
	// After a quiet window all is as at first.
	l.now = l.now.Add(Window)
	l.due()
	if len(l.kinds) != 0 {
		t.Errorf("%d kinds are kept", len(l.kinds))
	}
}

func TestAFewLinesAreShownAsTheyAre(t *testing.T) {
	l := &log{now: time.Unix(1e9, 0)}
	var want []string
	for i := range Shown + 1 {
		l.add("attempt %d", i)
		want = append(want, fmt.Sprint("attempt ", i))
	}
	l.now = l.now.Add(Window)
	l.due()
	if d := cmp.Diff(want, l.lines); d != "" {
		t.Error(d)
	}
}

func TestWhatMakesAKind(t *testing.T) {
	for _, c := range []struct {
		line string
		want parts
	}{
		{"peer is healthy", parts{head: "peer is healthy"}},
		{`peer is unreachable name="a b" reason="timed out" x=1`, parts{"peer is unreachable", "timed out", "a b"}},
		{`can't probe peer 17: dial 10.0.0.1:80, refused`, parts{head: "can't probe peer …: dial …, refused"}},
		{`odd k= error="a \"b\" 12" peer=3`, parts{"odd", `a "b" 12`, "3"}},
		{`open "quote k="x`, parts{head: `open "quote`}},
		{"", parts{}},
		{" a=1", parts{}},
	} {
		if got := split(c.line); got != c.want {
			t.Errorf("%q: got %+v, want %+v", c.line, got, c.want)
		}
	}
}

// Kinds have bounds, whatever a plugin writes.
func TestTooManyKindsAreShown(t *testing.T) {
	l := &log{now: time.Unix(1e9, 0)}
	word := func(i int) string { return string([]byte{'a' + byte(i/26%26), 'a' + byte(i%26)}) }
	for range 20 {
		for i := range 2 * mostKinds {
			l.add("%s", word(i))
		}
	}
	if len(l.kinds) != mostKinds || len(l.lines) != Shown*mostKinds+20*mostKinds {
		t.Errorf("%d kinds, %d lines", len(l.kinds), len(l.lines))
	}
	l = &log{now: time.Unix(1e9, 0)}
	for i := range 100 {
		l.add(`a reason="%s"`, word(i%50*(i%2)))
	}
	got := l.Flush()
	if want := "a: 95 more like this in 5s: aa 47, af 2, ah 2, aj 2, others 42"; len(got) != 1 || got[0].Message != want {
		t.Errorf("got %v", got)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(`x a="b`)
	f.Add(`x 1 a=b c="\"" d=`)
	f.Fuzz(func(_ *testing.T, line string) { split(line) })
}
