package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWithoutANodeTheErrorSaysHowToStartIt(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "meshos.toml")
	if err := os.WriteFile(file, []byte("[node]\nid = 1\nsocket = \"s\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var s shell
	code := s.run(t.Context(), "status", "-c", file)
	want := "meshos: no node answers on " + dir + "/s: it does not exist\n" +
		"    start the node with `meshos run --config " + file + "`, or name another node's socket with --address\n"
	if code != exitNoAnswer || s.err.String() != want {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

func TestASocketWithoutAListener(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	_ = ln.Close()
	var s shell
	code := s.run(t.Context(), "failures", "--address", path)
	if code != exitNoAnswer || !strings.Contains(s.err.String(), "nothing listens on it") {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

// A client gives up on a node that accepts the connection and does not answer.
func TestANodeThatHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	var s shell
	code := s.run(t.Context(), "status", "--address", "unix:"+path, "--timeout", "200ms")
	if code != exitNoAnswer {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

func TestWithoutAConfigurationThereIsNoNodeToAsk(t *testing.T) {
	s := shell{env: map[string]string{"MESHOS_CONFIG": filepath.Join(t.TempDir(), "none.toml")}}
	code := s.run(t.Context(), "status")
	if code != exitUsage || !strings.Contains(s.err.String(), "none.toml: there is no such file") {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}
