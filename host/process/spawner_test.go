package process_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

func TestStartErrors(t *testing.T) {
	dir := t.TempDir()
	plain, garbage, orphan := filepath.Join(dir, "plain"), filepath.Join(dir, "garbage"), filepath.Join(dir, "orphan")
	if err := os.WriteFile(plain, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	testkit.Script(t, garbage, "x")
	testkit.Script(t, orphan, "#!/bin/nowhere\n")
	s := spawner(t)
	for _, c := range []struct {
		spec  process.Spec
		cause process.Cause
		want  string
	}{
		{process.Spec{Path: dir + "/none"}, process.CauseNotFound, "start " + dir + "/none: no such file"},
		{process.Spec{Path: plain + "/x"}, process.CauseNotFound, "start " + plain + "/x: no such file"},
		{process.Spec{Path: dir}, process.CauseNotExecutable, "start " + dir + ": not executable: is a directory"},
		{process.Spec{Path: plain}, process.CauseNotExecutable, "start " + plain + ": not executable: its mode is -rw-r--r--: permission denied"},
		{process.Spec{Path: garbage}, process.CauseNotExecutable, "start " + garbage + ": not executable: exec format error"},
		{process.Spec{Path: orphan}, process.CauseInterpreter, "start " + orphan + ": the file is there, but the loader or interpreter that it names is not"},
		{process.Spec{Path: "/bin/sh", Dir: dir + "/none"}, process.CauseDir, "start " + dir + "/none: can't be used as working directory: no such file or directory"},
		{process.Spec{Path: "/bin/sh", Dir: plain}, process.CauseDir, "start " + plain + ": can't be used as working directory: not a directory"},
	} {
		p, err := s.Start(context.Background(), c.spec)
		if p != nil {
			t.Errorf("%s started", c.spec.Path)
		}
		start := (*process.StartError)(nil)
		if !errors.As(err, &start) || start.Cause != c.cause || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func TestRelativePathCountsFromHere(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/bin/true", filepath.Join(dir, "tool")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	p, err := spawner(t).Start(context.Background(), process.Spec{Path: "./tool", Dir: "/"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stdout().Close()
	defer p.Stderr().Close()
	if e := exit(t, p); !e.Clean() {
		t.Errorf("ended with %v", e)
	}
}

func TestCloseKillsTheChildren(t *testing.T) {
	s := process.NewSpawner()
	dies := sh(t, s, "exec sleep 60")
	s.Close()
	if e := exit(t, dies); e.Signal != syscall.SIGKILL {
		t.Errorf("ended with %v", e)
	}
	if _, err := s.Start(context.Background(), process.Spec{Path: "/bin/true"}); !errors.Is(err, process.ErrSpawnerClosed) {
		t.Errorf("start after close: %v", err)
	}
	s.Close()
}

func TestChildrenOutliveTheGoroutineThatStartedThem(t *testing.T) {
	s := spawner(t)
	started := make(chan *process.Process)
	go func() {
		// Pdeathsig would fire at the end of a thread that forks for itself.
		p, err := s.Start(context.Background(), process.Spec{Path: "/bin/sleep", Args: []string{"60"}})
		if err != nil {
			t.Error(err)
		}
		started <- p
	}()
	p := <-started
	select {
	case <-p.Done():
		t.Errorf("ended with %v", p.Exit())
	case <-time.After(100 * time.Millisecond):
	}
	p.Stop(context.Background(), syscall.SIGKILL, 0)
	p.Stdout().Close()
	p.Stderr().Close()
}

func TestStartWithAnEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if p, err := spawner(t).Start(ctx, process.Spec{Path: "/bin/true"}); p != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", p, err)
	}
}

func TestManyStartsAtOnce(t *testing.T) {
	s := spawner(t)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			p, err := s.Start(context.Background(), process.Spec{Path: "/bin/true"})
			if err != nil {
				t.Error(err)
				return
			}
			defer p.Stdout().Close()
			defer p.Stderr().Close()
			<-p.Done()
			if !p.Exit().Clean() {
				t.Errorf("ended with %v", p.Exit())
			}
		})
	}
	wg.Wait()
}
