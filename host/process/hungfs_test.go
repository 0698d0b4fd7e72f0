package process_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/hangfs"
	"github.com/meshos/meshos/internal/testkit"
)

func TestWhatHangsInTheKernelIsSaidAndLeftAlone(t *testing.T) {
	t.Parallel()
	s := spawner(t)
	fs := hangfs.Hung(t)
	defer fs.End()
	hung := filepath.Join(fs.Dir, "program")
	var left []*process.Process
	for name, start := range map[string]func(ctx context.Context) error{
		"a program": func(ctx context.Context) error {
			_, err := s.Start(ctx, process.Spec{Path: hung})
			return err
		},
		"a folder": func(ctx context.Context) error {
			_, err := s.Start(ctx, process.Spec{Path: "/bin/true", Dir: hung})
			return err
		},
		"a file to copy": func(ctx context.Context) error {
			_, err := s.Load(ctx, hung, process.LoadOptions{MaxSize: 1 << 20, Dir: t.TempDir()})
			return err
		},
	} {
		abandoned := (*process.AbandonedError)(nil)
		var err error
		// A busy machine may need longer to get to where it hangs.
		for within := 100 * time.Millisecond; within < testkit.Patience && !errors.As(err, &abandoned); within *= 4 {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			err = start(ctx)
			cancel()
		}
		if !errors.As(err, &abandoned) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "hangs in the kernel and can't be killed") {
			t.Fatalf("%s: %v", name, err)
		}
		left = append(left, abandoned.Process)
	}
	if e := exit(t, sh(t, s, "exit 0")); !e.Clean() {
		t.Errorf("another start: %v", e)
	}
	for _, p := range left {
		select {
		case <-p.Collected():
			t.Error("it could be killed after all")
		default:
		}
		if e := p.Stop(context.Background(), syscall.SIGKILL, 0); !e.Stuck || e.Clean() || !strings.Contains(e.String(), "still there") {
			t.Errorf("ended with %v", e)
		}
	}
	fs.End()
	for _, p := range left {
		select {
		case <-p.Collected():
		case <-time.After(testkit.Patience):
			t.Errorf("process %d (%c) is still there", p.Pid(), testkit.State(p.Pid()))
		}
	}
}
