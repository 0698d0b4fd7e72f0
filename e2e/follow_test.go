package e2e

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// following is a command that goes on until the test ends.
type following struct{ out, errs *plugintest.Buffer }

func (n *node) follow(args ...string) following {
	n.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := following{out: &plugintest.Buffer{}, errs: &plugintest.Buffer{}}
	cmd := n.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = f.out, f.errs
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	return f
}

// Whoever follows a node goes on with its next run: after an orderly end, and after one of
// which the node could not save the last records. Nothing is shown twice or left out, and the
// restart is said.
func TestFollowersGoOnWhenTheNodeIsStartedAgain(t *testing.T) {
	t.Parallel()
	n := small(t, "")
	n.start()
	n.until("a first tick", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 })
	say := func(i int) {
		n.must("publish", fmt.Sprintf(`{"log_line":{"level":"LOG_LEVEL_WARN","message":"line %d"}}`, i))
	}
	say(1)
	n.must("admin", "cordon", "--yes", "-m", "first")
	logs := n.follow("logs", "-f", "--level", "warn")
	raw := n.follow("logs", "-f", "-n", "0", "--level", "warn", "-o", "json")
	audit := n.follow("audit", "tail", "-f")
	states := n.follow("status", "-w", "-o", "json")
	has := func(f following, text string) func() bool {
		return func() bool { return strings.Contains(f.out.String(), text) }
	}
	testkit.Until(t, "the first line", has(logs, "line 1"))
	testkit.Until(t, "the first line as JSON", has(raw, "line 1"))
	testkit.Until(t, "the first command", has(audit, "first"))
	testkit.Until(t, "the first state", has(states, `"epoch"`))

	for i, end := range []func(){n.end, n.kill} {
		end()
		testkit.Until(t, "the end to be told", func() bool {
			return strings.Count(logs.errs.String(), "the node does not answer any more") == i+1
		})
		n.start()
		snap := n.until("a tick", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 })
		say(i + 2)
		next := fmt.Sprintf("line %d", i+2)
		testkit.Until(t, "the line of the next run", has(logs, next))
		testkit.Until(t, "the line of the next run as JSON", has(raw, next))
		testkit.Until(t, "a state of the next run", has(states, fmt.Sprintf(`"epoch":"%d"`, snap.GetEpoch())))
		if banner := fmt.Sprintf("-- the node started again: epoch %016x --", snap.GetEpoch()); !strings.Contains(logs.out.String(), banner) {
			t.Errorf("logs does not say that there was a restart:\n%s", logs.out)
		}
		for _, f := range []following{logs, raw, audit, states} {
			testkit.Until(t, "it to be told that the node is back", func() bool {
				return strings.Count(f.errs.String(), "the node answers again") == i+1
			})
		}
	}
	n.must("admin", "uncordon", "--yes", "-m", "second")
	testkit.Until(t, "the last command", has(audit, "second"))
	if strings.Count(audit.out.String(), "first") != 1 {
		t.Errorf("audit tail shows\n%s", audit.out)
	}
	for name, f := range map[string]following{"logs": logs, "logs -o json": raw} {
		got := regexp.MustCompile(`line \d`).FindAllString(f.out.String(), -1)
		if want := []string{"line 1", "line 2", "line 3"}; !slices.Equal(got, want) {
			t.Errorf("%s shows %v\n%s", name, got, f.out)
		}
	}
}
