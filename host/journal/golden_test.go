package journal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/journal"
	"github.com/meshos/meshos/internal/golden"
)

// Each journal of testdata/replay is a small story; what a replay prints of it,
// snapshot and warnings included, is in the golden file beside it. README.md describes them.
func TestJournalsReplayToTheirGoldenOutput(t *testing.T) {
	files, err := filepath.Glob("testdata/replay/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no journals:", err)
	}
	stories, err := os.ReadFile("testdata/replay/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		t.Run(name, func(t *testing.T) {
			if !bytes.Contains(stories, []byte("`"+name+"`")) {
				t.Errorf("testdata/replay/README.md does not describe %s", name)
			}
			r, err := journal.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close() }()
			golden.Check(t, strings.TrimSuffix(file, ".jsonl")+".golden", printed(t, journal.NewReplay(r)))
		})
	}
}

// printed returns what a replay prints: its ticks, its snapshot and its warnings.
func printed(t testing.TB, p *journal.Replay) string {
	t.Helper()
	var out strings.Builder
	err := p.All(func(tick journal.Ticked) error {
		line, err := journal.TickLine(tick)
		out.Write(append(line, '\n'))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Snapshot(); s != nil {
		line, err := journal.SnapshotLine(s)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(line, '\n'))
	}
	for _, warning := range p.Warnings() {
		out.WriteString("warning: " + filepath.Base(warning) + "\n")
	}
	return out.String()
}
