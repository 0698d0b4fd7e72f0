package catalog

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
)

func TestLineParser(t *testing.T) {
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
		var p lineParser
		if level, got := p.parse(c.line); level != c.level || got != c.want {
			t.Errorf("%s\n got %d %q\nwant %d %q", c.line, level, got, c.level, c.want)
		}
	}
}

func TestEverythingAfterAPanicIsAnError(t *testing.T) {
	var p lineParser
	var got []mesh.LogLevel
	for _, line := range []string{"fine", "panic: boom", "", "goroutine 1 [running]:", "\tmain.go:3"} {
		level, _ := p.parse(line)
		got = append(got, level)
	}
	if d := cmp.Diff([]mesh.LogLevel{3, 5, 5, 5, 5}, got); d != "" {
		t.Error(d)
	}
}

func FuzzLineParser(f *testing.F) {
	f.Add(`{"@message": 1}`)
	f.Add(`{"@level":"info","@message":"x","k":{"a":null}}`)
	f.Add("[INFO] \xff")
	f.Add("2026-11-23T12:00:00.000Z [WARN]  p: x")
	f.Fuzz(func(t *testing.T, line string) {
		var p lineParser
		level, got := p.parse(line)
		if level < mesh.LevelTrace || level > mesh.LevelError || !utf8.ValidString(got) || len(got) > maxLine+8 {
			t.Errorf("level %d, %q", level, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }) {
			t.Errorf("control character in %q", got)
		}
	})
}

func TestFloodIsSuppressedAndSaid(t *testing.T) {
	now := time.Unix(1e9, 0)
	var got []string
	s := newLogSink(func() time.Time { return now }, func(_ mesh.LogLevel, m string) { got = append(got, m) })
	for range linesAtOnce + 500 {
		s.line(mesh.LevelInfo, "x")
	}
	if len(got) != linesAtOnce {
		t.Fatalf("%d lines passed", len(got))
	}
	now = now.Add(time.Second)
	s.line(mesh.LevelInfo, "y")
	if d := cmp.Diff([]string{"500 lines suppressed: more than 200 a second", "y"}, got[linesAtOnce:]); d != "" {
		t.Error(d)
	}
}

func TestTailIsBounded(t *testing.T) {
	s := newLogSink(time.Now, nil)
	for range 1000 {
		s.remember(mesh.LevelInfo, strings.Repeat("x", 100000), strings.Repeat("x", 100000))
	}
	last := s.last()
	if len(last) != tailLength || len(last[0]) > detailLength+8 {
		t.Errorf("%d lines of %d bytes", len(last), len(last[0]))
	}
}

func TestLinesOfTheProcessBeforeStay(t *testing.T) {
	s := newLogSink(time.Now, nil)
	s.remember(mesh.LevelError, "bad day", "bad day")
	s.fresh()
	if line, _ := s.telling(); line != "" {
		t.Errorf("the next process is said to have said %q", line)
	}
	s.fresh() // one that says nothing
	if d := cmp.Diff([]string{"bad day"}, s.last()); d != "" {
		t.Error(d)
	}
	s.remember(mesh.LevelInfo, "good day", "good day")
	s.remember(mesh.LevelDebug, "at /tmp/x", "at /tmp/x")
	if d := cmp.Diff([]string{"bad day", "… that was the process before; the present one:", "good day", "at /tmp/x"}, s.last()); d != "" {
		t.Error(d)
	}
	if line, crashed := s.telling(); line != "good day" || crashed {
		t.Errorf("telling is %q, %v", line, crashed)
	}
}

// A stack is longer than what is remembered; why it is there stands in its first line.
func TestBeginningOfACrashIsRemembered(t *testing.T) {
	s := newLogSink(time.Now, nil)
	for n := range 100 {
		s.remember(mesh.LevelInfo, fmt.Sprint("line ", n), fmt.Sprint("line ", n))
	}
	s.remember(mesh.LevelError, "panic: no luck", "panic: no luck")
	for n := range 100 {
		s.remember(mesh.LevelError, fmt.Sprint("frame ", n), fmt.Sprint("frame ", n))
	}
	last := s.last()
	if len(last) > tailLength+1 || last[0] != "line 90" || last[crashBefore] != "panic: no luck" ||
		last[crashBefore+crashHead] != "… 61 lines left out …" || last[len(last)-1] != "frame 99" {
		t.Errorf("%d lines: %q", len(last), last)
	}
	if line, crashed := s.telling(); line != "panic: no luck" || !crashed {
		t.Errorf("telling is %q, %v", line, crashed)
	}
}

func TestHandshake(t *testing.T) {
	cert := selfSigned(t)
	for _, c := range []struct{ line, want string }{
		{"1|1|unix|/run/p/plugin1|grpc|" + cert, ""},
		{"1|1|unix|/run/p/plugin1|grpc|" + cert + "|true", ""},
		{"2|1|unix|/run/p/plugin1|grpc|" + cert, "it speaks go-plugin's core protocol 2, this host 1"},
		{"1|5|unix|/run/p/plugin1|grpc|" + cert, "it speaks plugin protocol 5, this host 1"},
		{"1|1|unix|/run/p/plugin1", `it serves "", not grpc`},
		{"1|1|unix|/run/p/plugin1|netrpc|" + cert, `it serves "netrpc", not grpc`},
		{"1|1|tcp|127.0.0.1:80|grpc|" + cert, "it listens on tcp 127.0.0.1:80, not in the socket directory that it was given"},
		{"1|1|unix|/run/p/../q/plugin1|grpc|" + cert, "it listens on unix /run/p/../q/plugin1, not in the socket directory that it was given"},
		{"1|1|unix|/run/p/plugin1|grpc|", "it sent no certificate"},
		{"1|1|unix|/run/p/plugin1|grpc", "it sent no certificate"},
		{"1|1|unix|/run/p/plugin1|grpc|!" + cert, "the certificate that it sent is not in base64 without padding"},
		{"1|1|unix|/run/p/plugin1|grpc|" + cert[:40], "the certificate that it sent can't be read: x509: malformed certificate"},
	} {
		if got, _ := checkHandshake(c.line, "/run/p"); got != c.want {
			t.Errorf("%s: %q, want %q", c.line, got, c.want)
		}
	}
}

// selfSigned is a certificate as it stands in a handshake.
func selfSigned(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawStdEncoding.EncodeToString(der)
}

// A plugin that writes without end must not keep the host busy with it.
func TestAFloodIsReadAtABoundedPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		n, err := io.Copy(io.Discard, newPaced(io.LimitReader(endless{}, bytesAtOnce+10*bytesPerSecond)))
		if err != nil || n != bytesAtOnce+10*bytesPerSecond {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if took := time.Since(began); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("took %v, want 10 s", took)
		}
		began = time.Now()
		if _, err := io.Copy(io.Discard, newPaced(io.LimitReader(endless{}, bytesAtOnce))); err != nil || time.Since(began) > time.Second {
			t.Errorf("a burst took %v, %v", time.Since(began), err)
		}
	})
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }
