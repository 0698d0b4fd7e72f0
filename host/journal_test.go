package host

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func TestARecordingThatStopsIsAFailureAndNotTheNodesEnd(t *testing.T) {
	n := &node{
		log: slog.New(slog.DiscardHandler), reports: &reports{queue: make(chan mesh.FailureReport, 1)},
		recording: recording{stopped: make(chan error, 1)},
	}
	n.recording.stopped <- errors.New("journal: no space left on device")
	n.watchRecording(t.Context())
	got := <-n.reports.queue
	if got.Source != "journal" || !strings.HasPrefix(got.Reason, "no space left on device; nothing is recorded") {
		t.Errorf("reported %+v", got)
	}
}

func TestWithoutAJournalNobodyIsTold(t *testing.T) {
	r, err := beginRecording("", nil, state.Boot{})
	if err != nil || r.recorder() != nil {
		t.Fatal(r, err)
	}
	n := &node{recording: r}
	ended, end := context.WithCancel(t.Context())
	end()
	n.watchRecording(ended)
	n.endRecording()
}

func TestARecordingBeginsWithTheEffectiveConfiguration(t *testing.T) {
	cfg, err := config.Parse("meshos.toml", "[node]\nid = 4\nname = \"four\"\n")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "j")
	r, err := beginRecording(path, cfg, state.Boot{Node: 4, Epoch: 9})
	if err != nil {
		t.Fatal(err)
	}
	(&node{log: slog.New(slog.DiscardHandler), recording: r}).endRecording()
	raw, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(raw), `{"index":"1","at":"0s","boot":{"node":"4","epoch":"9","config_toml":"[node]\nid = 4\nname = \"four\"\n`) {
		t.Fatalf("%s, %v", raw, err)
	}
	if !strings.Contains(string(raw), `[locality]\ndegraded_rtt = \"250ms\"`) {
		t.Error("the defaults are not in it")
	}
	if _, err := beginRecording(filepath.Join(path, "none"), cfg, state.Boot{Node: 4}); err == nil {
		t.Error("a file that can't be made is no error")
	}
}
