package catalog_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
)

// hostUntilKilled runs a catalog and prints the plugins' pids. The test binary does this
// instead of testing when it plays the host.
func hostUntilKilled(dir string) {
	path := os.Getenv("CATALOG_TEST_PLUGIN")
	entries := []catalog.Entry{
		{Name: "good", Path: path, Enabled: true},
		{Name: "deaf", Path: path, Enabled: true, Env: []string{"MODE=ignore-term"}},
	}
	spawner, err := process.NewWatched(process.WatchOptions{Record: filepath.Join(dir, "processes.json"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	c, err := catalog.New(catalog.Options{
		Entries: entries, Spawner: spawner, DataDir: dir, RunDir: cmp.Or(os.Getenv("CATALOG_TEST_RUN"), dir), Node: 1,
	})
	if err != nil {
		panic(err)
	}
	go func() { _ = c.Run(context.Background(), nil) }()
	for range time.Tick(10 * time.Millisecond) {
		var pids []string
		for _, v := range c.Views() {
			if v.PID != 0 && v.Version != "" {
				pids = append(pids, strconv.Itoa(v.PID))
			}
		}
		if len(pids) == len(entries) {
			fmt.Println(strings.Join(pids, " "))
		}
	}
}

func TestP7_KilledHostLeavesNoPluginBehind(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), "CATALOG_TEST_HOST="+dir, "CATALOG_TEST_PLUGIN="+testPlugin)
	host.Stderr = os.Stderr
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	var a, b int
	_, scanErr := fmt.Fscan(out, &a, &b)
	kill(t, host.Process.Pid, syscall.SIGKILL)
	_ = host.Wait()
	if scanErr != nil {
		t.Fatal(scanErr)
	}
	began := time.Now()
	testkit.Until(t, "the end of the plugins", func() bool { return testkit.Ended(a) && testkit.Ended(b) })
	t.Logf("gone after %v", time.Since(began))

	if left := count(t, dir+"/meshos-*/*"); left != 2 {
		t.Errorf("%d socket directories, want those of the killed host: 2", left)
	}
	r := start(t, []catalog.Entry{entry("good", "")}, func(o *catalog.Options) { o.DataDir, o.RunDir = dir, dir })
	r.waitFor("good", snapshot.PluginReady)
	if left := count(t, dir+"/meshos-*/*"); left != 1 {
		t.Errorf("%d socket directories after the next start", left)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if left := count(t, dir+"/meshos-*"); left != 0 {
		t.Errorf("%d socket directories after its end", left)
	}
}

func TestCrashCyclesLeaveNothingBehind(t *testing.T) {
	// Each of these plugins dies at another point of its life.
	modes := []string{"exit-3", "protocol-99", "exit-in-configure", "exit-in-call", "panic-at-start"}
	cycle := func() {
		var entries []catalog.Entry
		for _, mode := range modes {
			entries = append(entries, entry(mode, mode))
		}
		r := start(t, entries, func(o *catalog.Options) { o.Rand = func() float64 { return 1e6 } })
		for _, mode := range modes {
			r.until(mode, func() bool { return r.view(mode).Status != 1 })
		}
		_, _ = r.locality("exit-in-call").SampleRTT(context.Background())
		r.until("all have failed", func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			return !slices.ContainsFunc(modes, func(mode string) bool {
				return !slices.ContainsFunc(r.failures, func(line string) bool { return strings.HasPrefix(line, mode+": ") })
			})
		})
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}
	cycle()
	fds := count(t, "/proc/self/fd/*")
	for range 10 {
		cycle()
	}
	if now := count(t, "/proc/self/fd/*"); now > fds+2 {
		t.Errorf("%d descriptors are open, %d were after the first cycle", now, fds)
	}
}

func count(t *testing.T, pattern string) int {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}
