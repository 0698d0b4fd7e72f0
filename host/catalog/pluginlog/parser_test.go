package pluginlog

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
)

func TestParser(t *testing.T) {
	for _, c := range []struct {
		line  string
		level mesh.LogLevel
		want  string
	}{
		{`{"@level":"debug","@message":"dialing","@module":"p","@timestamp":"2026-01-01T00:00:00Z","peer":2,"why":"a b"}`, mesh.LevelDebug, `dialing peer=2 why="a b"`},
		{`{"@level":"trace","@message":"x"}`, mesh.LevelTrace, "x"},
		{`{"time":"2026-01-01T00:00:00Z","level":"WARN","msg":"slow","took":1.5,"nested":{"a":[1]}}`, mesh.LevelWarn, `slow nested={"a":[1]} took=1.5`},
		{`{"level":"fatal","ts":1,"message":"zerolog"}`, mesh.LevelError, "zerolog"},
		{`{"@level":"error","@message":"<&>","html":"<b>"}`, mesh.LevelError, "<&> html=<b>"},
		{`{"@message": 1}`, mesh.LevelInfo, `{"@message": 1}`},
		{`{"@message": "no level"}`, mesh.LevelInfo, "no level"},
		{`{"@level": [], "@message": "odd level"}`, mesh.LevelInfo, `odd level @level=[]`},
		{`{"@message": "cut`, mesh.LevelInfo, `{"@message": "cut`},
		{`{}`, mesh.LevelInfo, "{}"},
		{`null`, mesh.LevelInfo, "null"},
		{"[WARN] careful", mesh.LevelWarn, "careful"},
		{"2026-11-23T12:00:00.000Z [ERROR] p: broken: k=v", mesh.LevelError, "p: broken: k=v"},
		{"2026/11/23 12:00:00 INFO all is well k=v", mesh.LevelInfo, "all is well k=v"},
		{"ERROR: oh no", mesh.LevelError, "oh no"},
		{"time=2026-01-01T00:00:00Z level=WARN msg=\"a b\"", mesh.LevelWarn, "time=2026-01-01T00:00:00Z level=WARN msg=\"a b\""},
		{"ERRORS are many", mesh.LevelInfo, "ERRORS are many"},
		{"[] empty", mesh.LevelInfo, "[] empty"},
		{"bell\a and \x1b[31mred", mesh.LevelInfo, "bell\uFFFD and \uFFFD[31mred"},
	} {
		var p parser
		if level, got := p.parse(c.line); level != c.level || got != c.want {
			t.Errorf("%s\n got %d %q\nwant %d %q", c.line, level, got, c.level, c.want)
		}
	}
}

func TestEverythingAfterAPanicIsAnError(t *testing.T) {
	var p parser
	var got []mesh.LogLevel
	for _, line := range []string{"fine", "panic: boom", "", "goroutine 1 [running]:", "\tmain.go:3"} {
		level, _ := p.parse(line)
		got = append(got, level)
	}
	if d := cmp.Diff([]mesh.LogLevel{3, 5, 5, 5, 5}, got); d != "" {
		t.Error(d)
	}
}

func FuzzParser(f *testing.F) {
	f.Add(`{"@message": 1}`)
	f.Add(`{"@level":"info","@message":"x","k":{"a":null}}`)
	f.Add("[INFO] \xff")
	f.Add("2026-11-23T12:00:00.000Z [WARN]  p: x")
	f.Fuzz(func(t *testing.T, line string) {
		var p parser
		level, got := p.parse(line)
		if level < mesh.LevelTrace || level > mesh.LevelError || !utf8.ValidString(got) || len(got) > maxLine+8 {
			t.Errorf("level %d, %q", level, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }) {
			t.Errorf("control character in %q", got)
		}
	})
}
