package daemon_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

// printer stands for the loop of a node in a process of its own: it prints events.
type printer struct{ m *daemon.Manager }

func (p *printer) Publish(_ context.Context, ev mesh.Event) error {
	text, err := json.Marshal(describe(ev))
	if err == nil {
		_, err = fmt.Printf("%s\n", text)
	}
	if line, ok := ev.(mesh.LogLine); ok && line.Output.Spool != 0 {
		p.m.Recorded(line.Daemon, line.Output)
	}
	return err
}

func (p *printer) TryPublish(ev mesh.Event) error { return p.Publish(context.Background(), ev) }

// nodeToKill is a node in a process of its own. It runs the script of a folder as
// daemon 7 until it is killed.
func nodeToKill(dir string) int {
	script, err := os.ReadFile(filepath.Join(dir, "script"))
	if err != nil {
		return 1
	}
	events := &printer{}
	m := daemon.New(daemon.Options{
		Dir: filepath.Join(dir, "daemons"), Shim: shimCommand(), Spawner: process.NewSpawner(), Events: events,
	})
	events.m = m
	m.Configure([]daemon.Spec{sh(7, string(script))})
	if m.Adopt(context.Background()) != nil || m.Start(context.Background(), ref(7)) != nil {
		return 1
	}
	time.Sleep(time.Minute) // it is killed long before
	return 0
}

// killedNode runs a node in a process of its own until daemon 7 has printed "killme",
// kills it, and returns what its loop had taken. Files of dir are the daemon's.
func killedNode(t *testing.T, dir, script string) (taken []string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "script"), []byte("cd "+dir+"\n"+script), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "node-to-kill", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var text string
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil {
			t.Fatal(err)
		}
		taken = append(taken, text)
		if strings.HasSuffix(text, "> killme") {
			// Its cursor is behind this line before it reads the next one.
			testkit.Until(t, "the cursor", func() bool { return atEnd(filepath.Join(dir, "daemons", "7")) })
			break
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if len(taken) == 0 {
		t.Fatal("the node printed nothing")
	}
	return taken
}

// atEnd reports whether everything in a daemon's one segment was read.
func atEnd(folder string) bool {
	info, err := os.Stat(filepath.Join(folder, "output", "out.00000001.log"))
	text, _ := os.ReadFile(filepath.Join(folder, "cursor"))
	var segment, offset int64
	_, _ = fmt.Sscanf(string(text), "%d %d", &segment, &offset)
	return err == nil && segment == 1 && offset == info.Size()
}

// printed returns what the daemon itself printed.
func printed(events []string) (out []string) {
	for _, ev := range events {
		if _, text, ok := strings.Cut(ev, "> "); ok && !strings.HasPrefix(text, "meshos: ") && text != "killme" {
			out = append(out, text)
		}
	}
	return out
}

// touch makes a file that a script waits for.
func touch(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// await is a line of a script that waits for a file.
func await(name string) string { return "while [ ! -e " + name + " ]; do sleep 0.01; done\n" }
