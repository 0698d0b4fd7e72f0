package pluginlog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/logkinds"
)

// logLine passes a line on as the readers do.
func logLine(l *Log, line string) {
	if l.admit() {
		l.pass(mesh.LevelInfo, line)
	}
}

// word returns another word for each number, so that each is a kind of lines.
func word(i int) string {
	return strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprintf("%04d", i))
}

func TestLinesOfOneKindAreCountedTogether(t *testing.T) {
	now := time.Unix(1e9, 0)
	var got []string
	l := New(func() time.Time { return now }, func(level mesh.LogLevel, m string) { got = append(got, fmt.Sprint(level, " ", m)) })
	var input strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&input, `{"@level":"warn","@message":"peer is unreachable","peer":%d,"reason":"timed out"}`+"\n", i)
	}
	l.ReadStderr(strings.NewReader(input.String()))
	if len(got) != logkinds.Shown {
		t.Errorf("%d lines: %q", len(got), got)
	}
	now = now.Add(logkinds.Window)
	l.ReportIfDue() // as the supervisor does while the plugin is silent
	if want := "4 peer is unreachable: 1,195 more like this in 5s: timed out 1,195; such as 5, 6, 7"; got[len(got)-1] != want {
		t.Errorf("got %q", got[len(got)-1])
	}
	if lines := l.Lines(); len(lines) != tailLength {
		t.Errorf("%d lines are remembered", len(lines))
	}
	// The report of a crash is not counted, whatever its lines are like.
	got = nil
	l.ReadStderr(strings.NewReader("panic: no luck\n" + strings.Repeat("frame 1\n", 50)))
	if len(got) != 51 {
		t.Errorf("%d lines of a crash: %q", len(got), got)
	}
	// A plugin that ends has said all.
	got = nil
	l.ReadStderr(strings.NewReader(strings.Repeat("[WARN] no 1\n", 10)))
	l.Report()
	if want := "4 no …: 5 more like this in 5s"; got[len(got)-1] != want {
		t.Errorf("got %q", got)
	}
}

func TestAFloodIsSuppressedAndReported(t *testing.T) {
	now := time.Unix(1e9, 0)
	var got []string
	l := New(func() time.Time { return now }, func(_ mesh.LogLevel, m string) { got = append(got, m) })
	for i := range LinesAtOnce + 500 {
		logLine(l, word(i))
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
