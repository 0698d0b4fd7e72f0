package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestMain(m *testing.M) { catalogtest.Main(m, main) }

// said returns a line of the file: a log line with this text.
func said(text string) string {
	return fmt.Sprintf(`{"log_line":{"level":"LOG_LEVEL_INFO","message":%q}}`+"\n", text)
}

func messages(events []*meshosv1.Event) string {
	var out []string
	for _, e := range events {
		out = append(out, e.GetLogLine().GetMessage())
	}
	return strings.Join(out, " ")
}

func quick(path string) config {
	return config{Path: path, Poll: pluginsdk.Duration(5 * time.Millisecond)}
}

func TestEventsAreStreamedAndBadLinesNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	var log plugintest.Buffer
	plugin := plugintest.Start(t, newSource, quick(path), plugintest.WithLogs(&log))
	text := said("a") + "nonsense\n" + "\n" + "{}\n" + `{"log_line":{"colour":1}}` + "\n" + strings.Repeat("x", maxLine+1) + "\n" + said("b")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	events, err := plugin.Events(2)
	if err != nil || messages(events) != "a b" {
		t.Errorf("heard %q, %v", messages(events), err)
	}
	for _, want := range []string{"line=2 ", "line=4 ", "has no kind of event", "line=5 ", "colour", "line=6 ", "longer than"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "line=3 ") {
		t.Error("an empty line is not a mistake")
	}
}

// After the end of a stream, with a new configuration and in a new process reading continues.
func TestAStreamContinuesWhereTheLastOneEnded(t *testing.T) {
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "events.jsonl")
	add := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(said(text)); err != nil {
			t.Fatal(err)
		}
	}
	hears := func(plugin *plugintest.Client, want string) {
		t.Helper()
		events, err := plugin.Events(1)
		if err != nil || messages(events) != want {
			t.Errorf("heard %q, %v; want %q", messages(events), err, want)
		}
	}
	t.Run("one process", func(t *testing.T) {
		plugin := plugintest.Start(t, newSource, quick(path), plugintest.WithDataDir(dir))
		add("a")
		hears(plugin, "a")
		add("b")
		hears(plugin, "b")
		if err := plugin.Reconfigure(quick(path)); err != nil {
			t.Fatal(err)
		}
		add("c")
		hears(plugin, "c")
	})
	t.Run("the next", func(t *testing.T) {
		plugin := plugintest.Start(t, newSource, quick(path), plugintest.WithDataDir(dir))
		add("d")
		hears(plugin, "d")
	})
	t.Run("without remember", func(t *testing.T) {
		plugin := plugintest.StartRaw(t, newSource, map[string]any{"path": path, "remember": false}, plugintest.WithDataDir(dir))
		events, err := plugin.Events(4)
		if err != nil || messages(events) != "a b c d" {
			t.Errorf("heard %q, %v", messages(events), err)
		}
	})
}

func TestWrongConfigurations(t *testing.T) {
	plugin := plugintest.Serve(t, newSource)
	for want, cfg := range map[string]map[string]any{
		"path: ":                  {},
		"is not an absolute path": {"path": "events.jsonl"},
		"from: ":                  {"path": "/x", "from": "middle"},
		"poll: ":                  {"path": "/x", "poll": "0s"},
	} {
		if err := plugin.ReconfigureRaw(cfg); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestAFileThatCanNotBeReadIsAnError(t *testing.T) {
	plugin := plugintest.Start(t, newSource, quick(t.TempDir()))
	if _, err := plugin.Events(1); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
}
