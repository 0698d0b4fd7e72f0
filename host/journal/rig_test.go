package journal_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/meshos/meshos/host/journal"
	"github.com/meshos/meshos/host/mesh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const oneDaemon = "[node]\nid = 1\nname = \"one\"\n\n[[daemon]]\nid = 3\nname = \"telemetry\"\ncommand = [\"/bin/telemetry\"]\n"

// stamp returns the stamp of so many milliseconds after the start.
func stamp(ms int64) mesh.Stamp {
	d := time.Duration(ms) * time.Millisecond
	return mesh.Stamp{At: mesh.Time(d), Wall: time.Unix(1_800_000_000, 0).UTC().Add(d)}
}

func boot() *journal.Boot { return &journal.Boot{Node: 1, Epoch: 7, ConfigTOML: oneDaemon} }

// text returns a journal of entries, numbered from 1.
func text(t testing.TB, entries ...journal.Entry) string {
	t.Helper()
	var b strings.Builder
	for i, e := range entries {
		e.Index = uint64(i + 1)
		line, err := journal.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(line)
	}
	return b.String()
}

func heard(ms int64, ev mesh.Event) journal.Entry {
	return journal.Entry{At: stamp(ms), Input: mesh.Heard{Event: ev}}
}

func tick(ms int64) journal.Entry {
	return journal.Entry{At: stamp(ms), Tick: &journal.Tick{Room: journal.AllRoom}}
}

// story is a journal of five entries and two ticks.
func story(t testing.TB) string {
	t.Helper()
	return text(t, journal.Entry{At: stamp(0), Boot: boot()},
		tick(500),
		journal.Entry{At: stamp(600), Input: mesh.Outcome{ID: 1, OK: true, Final: true}},
		heard(700, mesh.DaemonStarted{Daemon: mesh.DaemonRef{ID: 3, Name: "telemetry"}}),
		tick(1000))
}

// drain reads a journal to its end.
func drain(r *journal.Reader) (n int, err error) {
	for {
		_, err := r.Next()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n++
	}
}

func replayed(t testing.TB, from string) string {
	t.Helper()
	return printed(t, journal.NewReplay(journal.NewReader("j.jsonl", strings.NewReader(from))))
}

func writeFile(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// cut returns the lines of a journal, each with its newline.
func cut(journal string) []string {
	var out []string
	for line := range bytes.Lines([]byte(journal)) {
		out = append(out, string(line))
	}
	return out
}
