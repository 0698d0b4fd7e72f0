package readfile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/hangfs"
	"github.com/meshos/meshos/internal/testkit"
)

func TestAFileSystemThatNeverAnswersIsGivenUp(t *testing.T) {
	fs := hangfs.Hung(t)
	path := filepath.Join(fs.Dir, "f")
	for _, try := range []string{"the first", "the next, which hangs on nothing"} {
		_, err := ReadWithin(path, 10, 10*time.Millisecond)
		var hung *HungError
		if !errors.As(err, &hung) || hung.Path != path || !hung.Timeout() {
			t.Errorf("%s: %v", try, err)
		}
	}
	if hanging.count != 1 {
		t.Errorf("%d calls hang", hanging.count)
	}
	other := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(other, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(other, 10); err != nil {
		t.Errorf("another file: %v", err)
	}
	fs.End()
	testkit.Until(t, "no call hangs", func() bool { return !hangs(path) })
}

func TestNobodyWaitsLongerThanItsContext(t *testing.T) {
	fs := hangfs.Hung(t)
	path := filepath.Join(fs.Dir, "f")
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := DoContext(ctx, path, time.Hour, func() (os.FileInfo, error) { return os.Stat(path) })
		result <- err
	}()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	fs.End()
	testkit.Until(t, "no call hangs", func() bool { return !hangs(path) })
}

// Whoever gives a call up at once says nothing about the file system.
func TestACallThatWasGivenUpAtOnceHoldsNobodyUp(t *testing.T) {
	release := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	value := func() (int, error) { <-release; return 7, nil }
	if _, err := wait(ctx, "/given-up", time.Hour, value, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	got, err := wait(t.Context(), "/given-up", time.Hour, func() (int, error) { return 8, nil }, nil)
	if got != 8 || err != nil {
		t.Errorf("another call returned %d, %v", got, err)
	}
	testkit.Until(t, "a call that goes on to be one that hangs", func() bool { return hangs("/given-up") })
	close(release)
	testkit.Until(t, "no call hangs", func() bool { return !hangs("/given-up") })
}

func TestACallThatHangsIsRememberedUntilItEnds(t *testing.T) {
	release, dropped := make(chan struct{}), make(chan int, 1)
	_, err := wait(t.Context(), "/p", time.Millisecond, func() (int, error) {
		<-release
		return 7, nil
	}, func(n int) { dropped <- n })
	var hung *HungError
	if !errors.As(err, &hung) {
		t.Fatal(err)
	}
	if _, err := Do("/p", time.Minute, func() (int, error) { return 1, nil }); !errors.As(err, &hung) {
		t.Errorf("the same path: %v", err)
	}
	close(release)
	if n := <-dropped; n != 7 {
		t.Errorf("%d was dropped", n)
	}
	testkit.Until(t, "no call hangs", func() bool { return !hangs("/p") })
	if n, err := Do("/p", time.Minute, func() (int, error) { return 1, nil }); n != 1 || err != nil {
		t.Errorf("when it has ended: %d, %v", n, err)
	}
}
