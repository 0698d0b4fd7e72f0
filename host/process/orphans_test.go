package process_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
)

func TestProcess1CollectsOrphansAndNobodyElsesChildren(t *testing.T) {
	t.Parallel()
	testneeds.Root(t, "make a pid namespace")
	cmd := exec.Command("/bin/sh", "-c", `mount --make-rprivate / && mount -t proc proc /proc && exec "$0"`, "/proc/self/exe")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args[len(cmd.Args)-1] = exe
	cmd.Env = append(os.Environ(), "PROCESS_TEST_INIT="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil || !strings.HasSuffix(out.String(), "all is well\n") {
		t.Errorf("%v:\n%s", err, out.String())
	}
}

// initUntilClean is process 1 of a pid namespace: it starts processes of its own while many
// others lose their parents.
func initUntilClean(dir string) {
	fail := func(format string, args ...any) {
		fmt.Printf(format+"\n", args...)
		os.Exit(1)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { process.CollectOrphans(ctx) })
	s, err := process.NewWatched(process.WatchOptions{Record: filepath.Join(dir, "processes.json"), Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		fail("%v", err)
	}
	local := process.NewSpawner()
	const rounds = 30
	for i := range rounds {
		// Two orphans, by two other ways than a Spawner.
		if err := exec.Command("/bin/sh", "-c", "(sleep 0.01 &) ; setsid sleep 0.02 &").Run(); err != nil {
			fail("a child of its own: %v", err)
		}
		for _, from := range []*process.Spawner{s, local} {
			p, err := from.Start(ctx, process.Spec{Path: "/bin/sh", Args: []string{"-c", "exit " + strconv.Itoa(i)}})
			if err != nil {
				fail("%v", err)
			}
			_, _ = io.Copy(io.Discard, p.Stdout())
			<-p.Done()
			if got := p.Exit(); got.Code != i || got.Signal != 0 {
				fail("%d ended with %v", i, got)
			}
		}
	}
	late := time.Now().Add(testkit.Patience)
	for zombies() > 0 {
		if time.Now().After(late) {
			fail("%d zombies are left", zombies())
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.Close()
	local.Close()
	cancel()
	running.Wait()
	fmt.Println("all is well")
	os.Exit(0)
}

// zombies counts the processes that have ended and were not collected.
func zombies() (n int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, _ := os.ReadFile(name)
		if i := bytes.LastIndexByte(text, ')'); i > 0 && bytes.HasPrefix(text[i+1:], []byte(" Z")) {
			n++
		}
	}
	return n
}
