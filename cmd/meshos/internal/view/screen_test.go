package view

import "testing"

// A page stays within the screen, and replaces the one before.
func TestAPageOnAScreen(t *testing.T) {
	got := OnScreen("a\nb\nc\nd\n", 4)
	if want := "\x1b[?7l\x1b[Ha\x1b[K\nb\x1b[K\n… 2 more lines\x1b[K\n\x1b[J\x1b[?7h"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := OnScreen("a\nb\n", 24), "\x1b[?7l\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J\x1b[?7h"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
