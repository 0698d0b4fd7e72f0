package process_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testneeds"
)

func TestACopyOfTheOwnProgramIsExecutedAndFoundAgain(t *testing.T) {
	first, err := process.CopySelf(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if !first.Sealed() {
		testneeds.Missing(t, "this system executes no memory")
	}
	h, err := process.StartDetached(process.Spec{
		Path: "/proc/self/exe", Program: first, Env: []string{"PROCESS_TEST_HOST=" + t.TempDir()},
	}, "meshos")
	first.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	defer func() { _ = h.Signal(syscall.SIGKILL); _ = h.Wait(t.Context()) }()
	exe := "/proc/" + strconv.Itoa(h.Identity().PID) + "/exe"
	if got, _ := os.Readlink(exe); !strings.HasPrefix(got, "/memfd:meshos") {
		t.Errorf("it executes %s", got)
	}
	second, err := process.CopySelf(t.TempDir(), h.Identity())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if !holds(t, exe) {
		t.Error("another copy was made")
	}
}

// holds reports whether this process has a descriptor of a file.
func holds(t *testing.T, name string) bool {
	t.Helper()
	want, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	fds, _ := filepath.Glob("/proc/self/fd/*")
	return slices.ContainsFunc(fds, func(fd string) bool {
		info, err := os.Stat(fd)
		return err == nil && os.SameFile(info, want)
	})
}
