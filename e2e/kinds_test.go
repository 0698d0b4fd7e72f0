package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// small returns a node with a short tick interval and the given plugins.
func small(t *testing.T, plugins string) *node {
	t.Helper()
	n := prepare(t)
	n.write(fmt.Sprintf(`[node]
id = 1
listen = %q

[loop]
tick_interval = "100ms"

[[peer]]
id = 2
name = "other"

%s`, n.listen, plugins))
	return n
}

// example returns the entry of an example plugin.
func example(name, more string) string {
	return fmt.Sprintf("[[plugin]]\nname = %q\npath = %q\n%s\n", name, filepath.Join(bin, "examples", name), more)
}

func ready(name string) func(*meshosv1.Snapshot) bool {
	return func(s *meshosv1.Snapshot) bool {
		return plugin(s, name).GetStatus() == meshosv1.PluginView_STATUS_READY
	}
}

func holders(s *meshosv1.Snapshot, chain uint64) []uint64 {
	for _, r := range s.GetReplicas() {
		if r.GetChain() == chain {
			return r.GetHolders()
		}
	}
	return nil
}

// logged reports whether a line of the node's log has this part.
func logged(s *meshosv1.Snapshot, part string) bool {
	return slices.ContainsFunc(s.GetLogs(), func(l *meshosv1.LogRecord) bool { return strings.Contains(l.GetMessage(), part) })
}

func failed(s *meshosv1.Snapshot, source, part string) bool {
	return slices.ContainsFunc(s.GetRecentFailures(), func(f *meshosv1.FailureRecord) bool {
		return f.GetSource() == source && strings.Contains(f.GetReason(), part)
	})
}

// A command carries out a pull. The first time it asks to be tried again; the second time it
// reports that the chain is here.
func TestACommandCarriesOutActions(t *testing.T) {
	t.Parallel()
	n := small(t, "")
	actions := filepath.Join(n.dir, "actions")
	script := fmt.Sprintf(`cat >>%[1]s; [ "$(wc -l <%[1]s)" -ge 2 ] || { echo "not yet" >&2; exit 75; }
echo "{\"replica_update\":{\"kind\":\"KIND_ADDED\",\"chain\":\"$MESHOS_CHAIN\",\"holder\":\"$MESHOS_NODE\"}}"`, actions)
	text, err := os.ReadFile(n.config)
	if err != nil {
		t.Fatal(err)
	}
	n.write(string(text) + example("run-command", fmt.Sprintf(`actions = ["pull_replica"]
[plugin.config]
events = true
retry = "50ms"
[plugin.config.commands]
pull_replica = ["/bin/sh", "-c", '''%s''']`, script)))
	n.start()
	n.until("the actuator to be ready", ready("run-command"))
	n.must("publish", `{"replica_update":{"kind":"KIND_ADDED","chain":"7","holder":"2"}}`,
		`{"local_replica_intent":{"chain":"7","intent":"INTENT_HOLD"}}`)
	snap := n.until("the chain to be held here", func(s *meshosv1.Snapshot) bool {
		return slices.Equal(holders(s, 7), []uint64{1, 2}) && s.GetStats().GetDispatched() == 1
	})
	if s := snap.GetStats(); s.GetDispatchRetries() != 1 || s.GetFailed() != 0 {
		t.Errorf("counted %v", s)
	}
	got, err := os.ReadFile(actions)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"pull_replica":{"chain":"7","source":"2"}}` + "\n"
	if strings.ReplaceAll(string(got), " ", "") != want+want {
		t.Errorf("the command got %q, want twice %q", got, want)
	}
	if !logged(snap, "not yet") {
		t.Error("the output of the command is not in the log")
	}
}

// appendEvent appends an event to a file: node 2 holds a chain.
func appendEvent(t *testing.T, path string, chain uint64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := fmt.Fprintf(f, `{"replica_update":{"kind":"KIND_ADDED","chain":"%d","holder":"2"}}`+"\n", chain); err != nil {
		t.Fatal(err)
	}
}

// Events that are written to a file get into the snapshot, even those that are written while
// the plugin that reads the file is killed.
func TestLinesOfAFileBecomeEvents(t *testing.T) {
	t.Parallel()
	n := small(t, "")
	text, err := os.ReadFile(n.config)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(n.dir, "events.jsonl")
	n.write(string(text) + example("tail-events", fmt.Sprintf("kinds = [\"event_source\"]\n[plugin.config]\npath = %q\npoll = \"10ms\"\n", path)))
	n.start()
	snap := n.until("the source to be ready", ready("tail-events"))
	for chain := uint64(1); chain <= 200; chain++ {
		appendEvent(t, path, chain)
		if chain == 100 {
			if err := syscall.Kill(int(plugin(snap, "tail-events").GetPid()), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	snap = n.until("every line, and the outage as a failure", func(s *meshosv1.Snapshot) bool {
		return len(s.GetReplicas()) == 200 && failed(s, "event_source:tail-events", "is opened again")
	})
	if p := plugin(snap, "tail-events"); p.GetRestarts() != 1 {
		t.Errorf("%d restarts", p.GetRestarts())
	}
	if f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		t.Fatal(err)
	} else if _, err := f.WriteString("nonsense\n{\"shutdown\":{}}\n"); err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	appendEvent(t, path, 300)
	n.until("the event after an invalid line, and a failure for that line", func(s *meshosv1.Snapshot) bool {
		return holders(s, 300) != nil && logged(s, "line=201") &&
			failed(s, "event_source:tail-events", "a shutdown was refused: not_granted")
	})
}

// A plugin of four kinds: the node takes its recovered chain, and informs it of a drain.
func TestARecoveryHandlerAndAControlSinkWork(t *testing.T) {
	t.Parallel()
	path := filepath.Join(bin, "sdkplugin")
	if out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", path, "../host/catalog/internal/sdkplugin").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	n := small(t, fmt.Sprintf("[[plugin]]\nname = \"sdkplugin\"\npath = %q\nkinds = [\"recovery_handler\", \"control_sink\", \"event_source\"]\n[plugin.config]\nevents = 2\n", path)).start()
	n.until("the chain that was recovered, and the source's end", func(s *meshosv1.Snapshot) bool {
		return slices.Contains(holders(s, 7), 1)
	})
	n.must("publish", `{"admin":{"enter_maintenance":{"node":"1","drain_for":"60s"}}}`)
	n.until("the sink to get the drain", func(s *meshosv1.Snapshot) bool {
		return logged(s, "ControlEvent_DrainStart")
	})
}
