package flock

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestALockKeepsOthersOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	one, other := open(t, path), open(t, path)
	if err := TryExclusive(one); err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func(*os.File) error{"exclusive": TryExclusive, "shared": TryShared} {
		if err := try(other); !errors.Is(err, syscall.EWOULDBLOCK) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := Close(one); err != nil {
		t.Fatal(err)
	}
	third := open(t, path)
	if err := errors.Join(TryShared(other), TryShared(third)); err != nil {
		t.Errorf("shared by two: %v", err)
	}
}

// A process that is being started has the descriptor too, until it executes its program.
func TestALockIsReleasedAtOnceWhileProcessesAreStarted(t *testing.T) {
	stop := make(chan struct{})
	var others sync.WaitGroup
	for range 4 {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_ = exec.Command("/bin/true").Run()
				}
			}
		})
	}
	defer others.Wait()
	defer close(stop)
	path := filepath.Join(t.TempDir(), "lock")
	for range 500 {
		f := open(t, path)
		if err := TryExclusive(f); err != nil {
			t.Fatalf("it is still locked: %v", err)
		}
		if err := Close(f); err != nil {
			t.Fatal(err)
		}
	}
}
