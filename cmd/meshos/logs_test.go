package main

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
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
			`"node":"1","message":"broken","chain_pending":true,"epoch_hex":"0000000000000abc"}` + "\n",
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
	if code != exitUsage || s.err.String() != "meshos: --daemon: the node has no daemon \"dmeo\"; it has: 1 (demo), 2\n" {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

// A number is an id, even if it is another daemon's name. A name that several daemons have
// does not choose any of them.
func TestLogsOfADaemonAreFoundByIdBeforeName(t *testing.T) {
	n, s := start(t)
	twins := busy()
	twins.Daemons = snapshot.DaemonsOf(
		snapshot.Daemon{Daemon: mesh.DaemonRef{ID: 1, Name: "2"}}, snapshot.Daemon{Daemon: mesh.DaemonRef{ID: 2, Name: "twin"}},
		snapshot.Daemon{Daemon: mesh.DaemonRef{ID: 3, Name: "twin"}},
	)
	n.Show(twins)
	if code := s.run(t.Context(), "logs", "--daemon", "2"); code != exitDone || !strings.Contains(s.out.String(), "careful") {
		t.Errorf("exit code %d: %s%s", code, s.out.String(), s.err.String())
	}
	const want = `meshos: --daemon: several daemons have the name "twin"; use one of their ids: 2, 3` + "\n"
	if code := s.run(t.Context(), "logs", "--daemon", "twin"); code != exitUsage || s.err.String() != want {
		t.Errorf("exit code %d, said %s", code, s.err.String())
	}
}

func TestLogsFollow(t *testing.T) {
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
