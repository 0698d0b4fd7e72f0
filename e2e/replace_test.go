package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// installed prepares a node whose meshos is in a folder of its own, with what else is installed.
func installed(t *testing.T, programs ...string) *node {
	t.Helper()
	n := prepare(t)
	for _, name := range append(programs, "meshos") {
		copyFile(t, filepath.Join(bin, name), filepath.Join(n.dir, name))
	}
	meshos := filepath.Join(n.dir, "meshos")
	n.wrap = func(cmd *exec.Cmd) { cmd.Path, cmd.Args[0] = meshos, meshos }
	return n
}

// cp writes into the file, which the kernel refuses while somebody executes it.
func TestTheProgramsCanBeReplacedWhileDaemonsGoOnWithoutTheNode(t *testing.T) {
	t.Parallel()
	for name, programs := range map[string][]string{"both": {"meshos-shim"}, "meshos alone": nil} {
		t.Run(name, func(t *testing.T) {
			n := installed(t, programs...)
			n.start()
			n.until("the daemon", running)
			before := n.daemon(1)
			for _, program := range programs { // of which the node itself executes copies, too
				copyFile(t, filepath.Join(bin, program), filepath.Join(n.dir, program))
			}
			n.end()
			copyFile(t, filepath.Join(bin, "meshos"), filepath.Join(n.dir, "meshos"))
			if name := comm(before.Shim.PID); name != "meshos-shim" {
				t.Errorf("ps shows %q", name)
			}
			n.start()
			n.until("the adopted daemon", func(s *meshosv1.Snapshot) bool {
				return running(s) && s.GetDaemons()[0].GetPid() == int64(before.Process.PID)
			})
			n.end()
			copyFile(t, filepath.Join(bin, "meshos"), filepath.Join(n.dir, "meshos"))
		})
	}
}

func TestMeshosShimIsWhatShimsAndWatcherExecute(t *testing.T) {
	t.Parallel()
	n := installed(t, "meshos-shim")
	n.start()
	n.until("the daemon", running)
	for what, pid := range map[string]int{"shim": n.daemon(1).Shim.PID, "watcher": n.plugins()[0]} {
		if got := exeOf(pid); !strings.HasPrefix(got, "/memfd:meshos-shim ") {
			t.Errorf("the %s executes %q", what, got)
		}
		if args := cmdline(pid); !strings.HasPrefix(args, "meshos-shim\x00") {
			t.Errorf("ps shows the %s as %q", what, args)
		}
	}
	if log := n.out.String(); strings.Contains(log, "meshos-shim is not used") {
		t.Error(log)
	}
}

func TestWithoutMeshosShimOfItsVersionANodeExecutesItself(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ shim, why string }{
		"missing":         {"", "no such file or directory"},
		"another version": {"#!/bin/sh\necho meshos-shim v0.0.1\n", "another version"},
	} {
		t.Run(name, func(t *testing.T) {
			n := installed(t)
			if c.shim != "" {
				testkit.Script(t, filepath.Join(n.dir, "meshos-shim"), c.shim)
			}
			n.start()
			n.until("the daemon", running)
			if got := exeOf(n.daemon(1).Shim.PID); !strings.HasPrefix(got, "/memfd:meshos ") {
				t.Errorf("the shim executes %q", got)
			}
			if got := exeOf(n.plugins()[0]); got != filepath.Join(n.dir, "meshos") {
				t.Errorf("the watcher executes %q", got)
			}
			if log := n.out.String(); strings.Count(log, "meshos-shim is not used") != 1 || !strings.Contains(log, c.why) {
				t.Errorf("the log does not say why:\n%s", log)
			}
		})
	}
}

// A daemon outlives a node that gets meshos-shim, and one that loses it.
func TestDaemonsGoOnWhenMeshosShimComesAndGoes(t *testing.T) {
	t.Parallel()
	n := installed(t)
	shim := filepath.Join(n.dir, "meshos-shim")
	n.start()
	n.until("the daemon", running)
	before := n.daemon(1)
	for _, with := range []bool{true, false} {
		n.end()
		if with {
			copyFile(t, filepath.Join(bin, "meshos-shim"), shim)
		} else if err := os.Remove(shim); err != nil {
			t.Fatal(err)
		}
		n.start()
		n.until("the adopted daemon", func(s *meshosv1.Snapshot) bool {
			return running(s) && s.GetDaemons()[0].GetPid() == int64(before.Process.PID)
		})
	}
}

func cmdline(pid int) string {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return string(text)
}

func comm(pid int) string {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	return strings.TrimSpace(string(text))
}

func exeOf(pid int) string {
	name, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	return name
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
}
