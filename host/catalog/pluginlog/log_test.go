package pluginlog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
)

// logLine passes a line on as the readers do.
func logLine(l *Log, line string) {
	if l.admit() {
		l.pass(mesh.LevelInfo, line)
	}
}

func TestAFloodIsSuppressedAndReported(t *testing.T) {
	now := time.Unix(1e9, 0)
	var got []string
	l := New(func() time.Time { return now }, func(_ mesh.LogLevel, m string) { got = append(got, m) })
	for range LinesAtOnce + 500 {
		logLine(l, "x")
	}
	if len(got) != LinesAtOnce {
		t.Fatalf("%d lines passed", len(got))
	}
	now = now.Add(time.Second)
	logLine(l, "y")
	if d := cmp.Diff([]string{"500 lines suppressed: more than 200 a second", "y"}, got[LinesAtOnce:]); d != "" {
		t.Error(d)
	}
}

func TestTheTailIsBounded(t *testing.T) {
	l := New(time.Now, nil)
	for range 1000 {
		l.remember(mesh.LevelInfo, strings.Repeat("x", 100000), strings.Repeat("x", 100000))
	}
	lines := l.Lines()
	if len(lines) != tailLength || len(lines[0]) > rememberedLength+8 {
		t.Errorf("%d lines of %d bytes", len(lines), len(lines[0]))
	}
}

func TestLinesOfThePreviousProcessStay(t *testing.T) {
	l := New(time.Now, nil)
	l.remember(mesh.LevelError, "bad day", "bad day")
	l.NextProcess()
	if line, _ := l.LastMessage(); line != "" {
		t.Errorf("the last message of the next process is %q", line)
	}
	l.NextProcess() // of a process that wrote nothing
	if d := cmp.Diff([]string{"bad day"}, l.Lines()); d != "" {
		t.Error(d)
	}
	l.remember(mesh.LevelInfo, "good day", "good day")
	l.remember(mesh.LevelDebug, "at /tmp/x", "at /tmp/x")
	if d := cmp.Diff([]string{"bad day", "… that was the previous process; the current one:", "good day", "at /tmp/x"}, l.Lines()); d != "" {
		t.Error(d)
	}
	if line, crashed := l.LastMessage(); line != "good day" || crashed {
		t.Errorf("the last message is %q, %v", line, crashed)
	}
}

// A stack is longer than what is remembered; its first line says why the process crashed.
func TestTheBeginningOfACrashIsRemembered(t *testing.T) {
	l := New(time.Now, nil)
	for n := range 100 {
		l.remember(mesh.LevelInfo, fmt.Sprint("line ", n), fmt.Sprint("line ", n))
	}
	l.remember(mesh.LevelError, "panic: no luck", "panic: no luck")
	for n := range 100 {
		l.remember(mesh.LevelError, fmt.Sprint("frame ", n), fmt.Sprint("frame ", n))
	}
	lines := l.Lines()
	if len(lines) > tailLength+1 || lines[0] != "line 90" || lines[crashBefore] != "panic: no luck" ||
		lines[crashBefore+crashHead] != "… 61 lines left out …" || lines[len(lines)-1] != "frame 99" {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	if line, crashed := l.LastMessage(); line != "panic: no luck" || !crashed {
		t.Errorf("the last message is %q, %v", line, crashed)
	}
}
