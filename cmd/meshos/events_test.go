package main

import "testing"

func TestLinesAreCountedForwardsAndBackwards(t *testing.T) {
	l := newLines([]byte("a\nb\n\nc"))
	for _, c := range []struct {
		offset int64
		want   string
	}{{0, " (line 1)"}, {2, " (line 2)"}, {5, " (line 4)"}, {99, " (line 4)"}, {3, " (line 2)"}, {-1, " (line 1)"}, {4, " (line 3)"}} {
		if got := l.at(c.offset); got != c.want {
			t.Errorf("offset %d is in%s, want%s", c.offset, got, c.want)
		}
	}
	if got := newLines([]byte("{}\n")).at(1); got != "" {
		t.Errorf("in a text of one line:%s", got)
	}
}
