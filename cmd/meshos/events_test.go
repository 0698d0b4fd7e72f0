package main

import "testing"

func TestLinesAreCountedForwardsAndBackwards(t *testing.T) {
	l := newLines([]byte("a\nb\n\nc"))
	for _, c := range []struct {
		offset int64
		want   int
	}{{0, 1}, {2, 2}, {5, 4}, {99, 4}, {3, 2}, {-1, 1}, {4, 3}} {
		if got := l.at(c.offset); got != c.want {
			t.Errorf("offset %d is in line %d, want %d", c.offset, got, c.want)
		}
	}
	if got := newLines([]byte("{}\n")).at(1); got != 0 {
		t.Errorf("in a text of one line: line %d", got)
	}
}
