package filelimit

import (
	"syscall"
	"testing"
)

func TestTooLow(t *testing.T) {
	small := Node{Plugins: 2, Daemons: 1}
	if got := TooLow(1024, small); got != "" {
		t.Errorf("1024 for 2 plugins: %q", got)
	}
	want := "at most 256 files can be open, but this configuration (2 plugins, 1 daemons) may need 680: " +
		"raise the hard limit (ulimit -Hn, or LimitNOFILE in the unit)"
	if got := TooLow(256, small); got != want {
		t.Errorf("got %q", got)
	}
	if TooLow(1024, Node{Daemons: 5000}) == "" {
		t.Error("1024 is enough for 5000 daemons")
	}
}

func TestRaise(t *testing.T) {
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was) })
	lower := syscall.Rlimit{Cur: was.Max / 2, Max: was.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lower); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := Raise(); got != was.Max || err != nil {
			t.Errorf("raised to %d, want %d: %v", got, was.Max, err)
		}
	}
	lower.Cur = was.Max - 1 // as package syscall leaves it
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lower); err != nil {
		t.Fatal(err)
	}
	if got, err := Raise(); got != was.Max-1 || err != nil {
		t.Errorf("changed to %d: %v", got, err)
	}
}
