package catalog_test

import (
	"context"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
)

func TestOutput(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode string
		want []string
	}{
		{"chatty", []string{
			"4 p: on stdout before the handshake, skipped: hello from a library",
			"4 p: on stdout before the handshake, skipped: 1|2 is not a handshake",
		}},
		{"flood-stdout", []string{"4 p: on stdout before the handshake, skipped: xxxx"}},
		{"crafted-stderr", []string{
			`3 p: {"@message": 1}`, "4 p: from hclog n=1", `5 p: from slog k="v w"`, "3 p: plain\uFFFD[31m text",
		}},
		{"flood-stderr", []string{"3 p: line 0"}},
		{"prints", []string{"3 p: printed by a library yyyy"}},
	} {
		t.Run(c.mode, func(t *testing.T) {
			t.Parallel()
			r := start(t, []catalog.Entry{entry("p", c.mode)}, func(o *catalog.Options) { o.KeepaliveEvery = 100 * time.Millisecond })
			r.waitFor("p", snapshot.PluginReady)
			if _, err := r.locality("p").SampleRTT(context.Background()); err != nil {
				t.Errorf("it does not work: %v", err)
			}
			for _, want := range c.want {
				r.until(want, r.contains(&r.logs, want))
			}
			if c.mode == "flood-stderr" {
				r.until("all of its lines are counted", func() bool { return floodLines(r.lines(&r.logs)) == 5000 })
			}
			if n := len(r.lines(&r.logs)); n > 1500 {
				t.Errorf("%d lines reached the log", n)
			}
		})
	}
}

// floodLines counts the lines of the flood, those of which a line only says how many they were too.
func floodLines(logs []string) (n int) {
	for _, line := range logs {
		if _, many, ok := strings.Cut(line, "line …: "); ok {
			many, _, _ = strings.Cut(many, " more like this in ")
			more, _ := strconv.Atoi(strings.ReplaceAll(many, ",", ""))
			n += more
		} else if strings.Contains(line, "p: line ") {
			n++
		}
	}
	return n
}

func TestGrandchildThatHoldsStderrDelaysNothing(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "grandchild")})
	before := r.waitFor("p", snapshot.PluginReady)
	r.until("the grandchild is there", r.contains(&r.logs, "grandchild "))
	grandchildren := func() (pids []int) {
		for _, line := range r.lines(&r.logs) {
			if _, pid, ok := strings.Cut(line, "grandchild "); ok {
				n, _ := strconv.Atoi(pid)
				pids = append(pids, n)
			}
		}
		return pids
	}
	defer func() {
		for _, pid := range grandchildren() {
			kill(t, pid, syscall.SIGKILL)
		}
	}()
	kill(t, before.PID, syscall.SIGKILL)
	r.until("it is back", func() bool { v := r.view("p"); return v.PID != before.PID && v.Status == snapshot.PluginReady })
	if testkit.Ended(grandchildren()[0]) {
		t.Error("it was back when the grandchild had ended")
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}
