package host

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/lifecycle"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

// made returns a node whose parts are made and do not run yet.
func made(t *testing.T, log *slog.Logger) *node {
	t.Helper()
	path := filepath.Join(t.TempDir(), "meshos.toml")
	const text = "[node]\nid = 1\nlisten = \"\"\ndata_dir = \"data\"\nsocket = \"s\"\n[loop]\ntick_interval = \"10ms\"\nprobe_budget = \"1ms\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	spawner := process.NewSpawner()
	n := &node{cfg: cfg, opts: Options{Version: "test", Log: log}}
	t.Cleanup(func() {
		n.close()
		spawner.Close()
	})
	if err := n.make(t.Context(), spawner); err != nil {
		t.Fatal(err)
	}
	return n
}

// Every part has its limit whatever the others take, so the limits together are
// within what an orderly end takes at most.
func TestTheOrderAndTheLimitsOfThePartsAreAsPromised(t *testing.T) {
	n := made(t, slog.New(slog.DiscardHandler))
	var sum, after, stopped time.Duration
	for _, part := range n.parts() {
		if part.Limit <= 0 {
			t.Errorf("%s has no limit", part.Name)
		}
		if part.Name == "daemons" {
			stopped, after = part.Limit, sum // the list ends from bottom to top
		}
		sum += part.Limit
	}
	if sum > endWithin {
		t.Errorf("the parts may take %v to end, and %v are promised", sum, endWithin)
	}
	if daemonsEnd > stopped*9/10 { // StopAll keeps the rest for killing
		t.Errorf("control sinks are told that daemons have %v, and they may have %v only", daemonsEnd, stopped*9/10)
	}
	if rest := endWithin - after; rest < 3*time.Second {
		t.Errorf("daemons have %v to end with a node whose other parts end at once", rest)
	}
	page, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	all := n.parts()
	for i, part := range all {
		if row := fmt.Sprintf("| %d | %d | %s |", i+1, len(all)-i, part.Name); !strings.Contains(string(page), row) {
			t.Errorf("docs/architecture.md does not show the order of start and end: %s is not in it", row)
		}
	}
	for _, part := range n.parts() { // nothing ran: what was started is let go
		if part.Name == "daemons" || part.Name == "control sinks" {
			part.Stop(t.Context())
		}
	}
}

// stuck is a probe that does not mind its context.
type stuck struct{ release chan struct{} }

func (stuck) Name() string { return "stuck" }

func (s stuck) SampleRTT(context.Context) (mesh.RTTAnswer, error) {
	<-s.release
	return mesh.RTTAnswer{}, nil
}

// buffer is written by many.
type buffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

// What the loop says of a call that it has to leave behind is in the log, also when
// the node was asked to end.
func TestAProbeThatHangsAtTheEndIsNamedInTheLog(t *testing.T) {
	var log buffer
	n := made(t, slog.New(slog.NewTextHandler(&log, nil)))
	probe := stuck{make(chan struct{})}
	defer close(probe.release)
	n.loop.Probes().AddLocality(probe)
	ctx, stop := context.WithTimeout(t.Context(), testkit.Patience)
	defer stop()
	go func() {
		for n.loop.LastTickAt().IsZero() && ctx.Err() == nil {
			<-n.loop.Reader().Changed()
		}
		stop()
	}()
	if err := lifecycle.Run(ctx, n.opts.Log, endWithin, nil, n.parts()); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); !strings.Contains(got, "locality_probe:stuck") || !strings.Contains(got, "part=loop") {
		t.Errorf("the log does not name it:\n%s", got)
	}
}
