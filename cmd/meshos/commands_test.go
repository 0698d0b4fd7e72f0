package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/golden"
	"github.com/meshos/meshos/internal/testkit"
)

func TestLogs(t *testing.T) {
	for line, want := range map[string]string{
		"logs": "12:00:00.000 INFO  node: node starts\n12:00:00.000 INFO  demo: hello\uFFFD[2J\n" +
			"12:00:00.000 WARN  daemon 2: careful\n12:00:00.000 ERROR node: broken\n",
		"logs -n 1":          "12:00:00.000 ERROR node: broken\n",
		"logs --level warn":  "12:00:00.000 WARN  daemon 2: careful\n12:00:00.000 ERROR node: broken\n",
		"logs --daemon demo": "12:00:00.000 INFO  demo: hello\uFFFD[2J\n",
		"logs --daemon 2":    "12:00:00.000 WARN  daemon 2: careful\n",
		"logs --daemon 9":    "",
		"logs -n 1 --level info -o json": `{"epoch":"2748","seq":"4","at":"2026-01-02T12:00:00Z","level":"LOG_LEVEL_ERROR",` +
			`"node":"1","message":"broken","chain_pending":true}` + "\n",
	} {
		t.Run(line, func(t *testing.T) {
			_, s := start(t)
			if code := s.run(t.Context(), strings.Fields(line)...); code != exitDone {
				t.Fatalf("exit code %d: %s", code, s.err.String())
			}
			if diff := cmp.Diff(want, s.out.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestLogsOfADaemonThatTheNodeDoesNotHave(t *testing.T) {
	_, s := start(t)
	code := s.run(t.Context(), "logs", "--daemon", "dmeo")
	if code != exitUsage || s.err.String() != "meshos: --daemon: the node has no daemon \"dmeo\", only: 1 (demo), 2\n" {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

// A number is an id, also where it is another daemon's name; a name that several
// bear names none.
func TestLogsOfADaemonAreNobodyElses(t *testing.T) {
	n, s := start(t)
	twins := busy()
	twins.Daemons[0].Daemon.Name = "2"
	twins.Daemons[1].Daemon.Name = "twin"
	twins.Daemons = append(twins.Daemons, snapshot.Daemon{Daemon: mesh.DaemonRef{ID: 3, Name: "twin"}})
	n.Show(twins)
	if code := s.run(t.Context(), "logs", "--daemon", "2"); code != exitDone || !strings.Contains(s.out.String(), "careful") {
		t.Errorf("exit code %d: %s%s", code, s.out.String(), s.err.String())
	}
	const want = `meshos: --daemon: several daemons are named "twin"; name one by its id: 2, 3` + "\n"
	if code := s.run(t.Context(), "logs", "--daemon", "twin"); code != exitUsage || s.err.String() != want {
		t.Errorf("exit code %d, said %s", code, s.err.String())
	}
}

func TestLogsGoOn(t *testing.T) {
	n, s := start(t)
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- s.run(ctx, "logs", "-f", "-n", "1", "--level", "warn") }()
	testkit.Until(t, "the line that is there", func() bool { return strings.Contains(s.out.String(), "broken") })
	next := busy()
	next.Logs = append(next.Logs,
		mesh.LogRecord{Seq: 5, Wall: noon(), Level: mesh.LevelInfo, Message: "too light"},
		mesh.LogRecord{Seq: 6, Wall: noon(), Level: mesh.LevelError, Daemon: 1, Message: "new"})
	n.Show(next)
	testkit.Until(t, "the new line", func() bool { return strings.Contains(s.out.String(), "demo: new") })
	interrupt()
	if code := <-ended; code != exitDone {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
	if want := "12:00:00.000 ERROR node: broken\n12:00:00.000 ERROR demo: new\n"; s.out.String() != want {
		t.Errorf("got %s", s.out.String())
	}
}

func TestFailures(t *testing.T) {
	_, s := start(t)
	if code := s.run(t.Context(), "failures"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	want := "12:00:00.000 plugin:health-tcp: exited: signal: killed\n12:00:00.000 action:2: no actuator\n"
	if diff := cmp.Diff(want, s.out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPluginList(t *testing.T) {
	_, s := start(t)
	if code := s.run(t.Context(), "plugin", "list"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	golden.Check(t, "testdata/plugin-list.txt", s.out.String())
}

func TestPluginDescribe(t *testing.T) {
	_, s := start(t)
	if code := s.run(t.Context(), "plugin", "describe", "health-tcp"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	golden.Check(t, "testdata/plugin-describe.txt", s.out.String())
}

func TestPluginDescribeOfNone(t *testing.T) {
	_, s := start(t)
	code := s.run(t.Context(), "plugin", "describe", "nope")
	if code != exitFailed || s.err.String() != "meshos: the configuration has no plugin \"nope\"\n" {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

func TestVersion(t *testing.T) {
	var s shell
	if code := s.run(t.Context(), "version"); code != exitDone || !strings.HasPrefix(s.out.String(), "meshos v1.2.3 (go") {
		t.Errorf("exit code %d: %s", code, s.out.String())
	}
	var f shell
	if code := f.run(t.Context(), "--version"); code != exitDone || f.out.String() != s.out.String() {
		t.Errorf("exit code %d: --version prints %s", code, f.out.String())
	}
	var j shell
	if code := j.run(t.Context(), "version", "-o", "json"); code != exitDone || !strings.Contains(j.out.String(), `"version":"v1.2.3"`) {
		t.Errorf("exit code %d: %s", code, j.out.String())
	}
}

func TestANodeThatIsNotThereSaysHowToStartIt(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "meshos.toml")
	if err := os.WriteFile(file, []byte("[node]\nid = 1\nsocket = \"s\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var s shell
	code := s.run(t.Context(), "status", "-c", file)
	want := "meshos: no node answers on " + dir + "/s: there is no such socket\n" +
		"    start the node with `meshos run --config " + file + "`, or name another one's socket with --address\n"
	if code != exitNoAnswer || s.err.String() != want {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

func TestASocketThatNobodyListensOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	_ = ln.Close()
	var s shell
	code := s.run(t.Context(), "failures", "--address", path)
	if code != exitNoAnswer || !strings.Contains(s.err.String(), "nobody listens there") {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

// A node that takes the connection and says nothing is given up on.
func TestANodeThatHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	var s shell
	code := s.run(t.Context(), "status", "--address", "unix:"+path, "--timeout", "200ms")
	if code != exitNoAnswer {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

func TestWithoutAConfigurationThereIsNobodyToAsk(t *testing.T) {
	s := shell{env: map[string]string{"MESHOS_CONFIG": filepath.Join(t.TempDir(), "none.toml")}}
	code := s.run(t.Context(), "status")
	if code != exitUsage || !strings.Contains(s.err.String(), "none.toml: there is no such file") {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}
