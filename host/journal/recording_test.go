package journal

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/state"
)

func TestARecordingThatStopsIsAFailureAndNotTheNodesEnd(t *testing.T) {
	r := Recording{stopped: make(chan error, 1)}
	r.stopped <- errors.New("journal: no space left on device")
	var reported string
	r.Watch(t.Context(), slog.New(slog.DiscardHandler), func(source, reason string) { reported = source + ": " + reason })
	if !strings.HasPrefix(reported, "journal: no space left on device; nothing is recorded") {
		t.Errorf("reported %q", reported)
	}
}

func TestWithoutAPathNothingIsRecorded(t *testing.T) {
	r, err := Record("", "", state.Boot{})
	if err != nil || r.Recorder() != nil {
		t.Fatal(r, err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	r.Watch(ended, nil, nil)
	r.Close(nil, time.Second)
}

func TestARecordingBeginsWithTheEffectiveConfiguration(t *testing.T) {
	cfg, err := config.Parse("meshos.toml", "[node]\nid = 4\nname = \"four\"\n")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "j")
	r, err := Record(path, cfg.Effective(), state.Boot{Node: 4, Epoch: 9})
	if err != nil {
		t.Fatal(err)
	}
	r.Close(slog.New(slog.DiscardHandler), 10*time.Second)
	raw, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(raw), `{"index":"1","at":"0s","boot":{"node":"4","epoch":"9","config_toml":"[node]\nid = 4\nname = \"four\"\n`) {
		t.Fatalf("%s, %v", raw, err)
	}
	if !strings.Contains(string(raw), `[locality]\ndegraded_rtt = \"250ms\"`) {
		t.Error("the defaults are not in it")
	}
	if _, err := Record(filepath.Join(path, "none"), cfg.Effective(), state.Boot{Node: 4}); err == nil {
		t.Error("a file that can't be made is not an error")
	}
}
