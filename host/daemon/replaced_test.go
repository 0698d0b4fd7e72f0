package daemon_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/testkit"
)

// What made a daemon crash is repaired: its program, or the script that its program runs. A
// file that somebody writes is left alone until it is complete.
func TestAReplacedFileOfACrashedDaemonIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program, script := filepath.Join(dir, "program"), filepath.Join(dir, "script")
	for _, path := range []string{program, script} {
		testkit.Script(t, path, "#!/bin/sh\nexit 3\n")
	}
	n := startNode(t,
		daemon.Spec{Daemon: ref(7), Command: []string{program}},
		daemon.Spec{Daemon: ref(8), Command: []string{"/bin/sh", script}},
		daemon.Spec{Daemon: ref(9), Command: []string{"/bin/sh", "-c", "exit 3"}},
	)
	for _, id := range []mesh.DaemonID{7, 8, 9} {
		n.start(id)
	}
	n.wait(t, "7 crashed: exit status 3")
	n.wait(t, "8 crashed: exit status 3")
	n.wait(t, "9 crashed: exit status 3")

	testkit.Script(t, program, "#!/bin/sh\nexec sleep 1000\n")
	writer, err := os.OpenFile(script, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.WriteString("exec sl"); err != nil {
		t.Fatal(err)
	}
	n.wait(t, "7 replaced")
	for _, text := range n.all() {
		if text == "8 replaced" {
			t.Error("it is started while its script is written")
		}
	}
	if _, err := writer.WriteString("eep 1000\n"); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	n.wait(t, "8 replaced")
	n.start(7)
	n.start(8)
	n.wait(t, "7 started")
	n.wait(t, "8 started")
	for _, text := range n.all() {
		if text == "9 replaced" {
			t.Error("a daemon whose files are the same is told as replaced")
		}
	}
}
