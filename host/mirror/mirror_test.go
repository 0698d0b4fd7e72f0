package mirror

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheLinesOfDaemonsAreWrittenOnceAndThoseThatAreLostAreCounted(t *testing.T) {
	var log bytes.Buffer
	m := New(slog.New(slog.NewTextHandler(&log, nil)))
	line := func(seq uint64, daemon mesh.DaemonID, source, text string) mesh.LogRecord {
		return mesh.LogRecord{Seq: seq, Daemon: daemon, Source: source, Level: mesh.LevelInfo, Message: text}
	}
	daemons := snapshot.DaemonsOf(snapshot.Daemon{Daemon: mesh.DaemonRef{ID: 7, Name: "web"}})
	first := []mesh.LogRecord{
		line(1, 7, "", "one"), line(2, 0, "", "said by the host"), line(3, 0, "plugin:x", "of a plugin"),
		line(4, 7, "api", "somebody says that the daemon says"), line(5, 8, "", "\x1b[31mtwo\nlines"),
	}
	m.write(&snapshot.Snapshot{Logs: first, Daemons: daemons})
	m.write(&snapshot.Snapshot{Logs: first, Daemons: daemons})
	ended, end := context.WithCancel(t.Context())
	end()
	m.Run(ended, snapshottest.New(&snapshot.Snapshot{Logs: []mesh.LogRecord{line(10, 7, "", "later"), line(12, 7, "", "last")}, Daemons: daemons}))
	for want, times := range map[string]int{
		"msg=one daemon=7 name=web\n":              1,
		`msg="\x1b[31mtwo\nlines" daemon=8` + "\n": 1,
		"msg=later daemon=7":                       1,
		"msg=last daemon=7":                        1,
		"lines=5\n":                                1, // 6 to 9, and 11
		"said by the host":                         0,
		"of a plugin":                              0,
		"somebody says":                            0,
	} {
		if got := strings.Count(log.String(), want); got != times {
			t.Errorf("%q was written %d times, want %d:\n%s", want, got, times, &log)
		}
	}
}
