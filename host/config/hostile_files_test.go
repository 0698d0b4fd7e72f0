package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/hangfs"
	"github.com/meshos/meshos/internal/readfile"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func fifo(t *testing.T, path string) string {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhatIsNoConfigurationIsRefusedAndNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	large := write(t, filepath.Join(dir, "large.toml"), "")
	if err := os.Truncate(large, 100<<20); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		fifo(t, filepath.Join(dir, "pipe.toml")): "is a pipe, not a regular file",
		"/dev/zero":                              "is a device, not a regular file",
		dir:                                      "is a directory, not a regular file",
		large:                                    "is larger than 4 MiB, which no configuration is",
	} {
		for name, read := range map[string]func() error{
			"Load": func() error { _, err := Load(path); return err },
			"Peek": func() error { _, err := Peek(path, "node.socket"); return err },
		} {
			err := read()
			var report *Report
			if !errors.As(err, &report) || report.Problems[0].Message != want {
				t.Errorf("%s %s: %v", name, path, err)
			}
		}
	}
}

func TestSignersThatCantBeReadAreAMistake(t *testing.T) {
	dir := t.TempDir()
	pipe := fifo(t, filepath.Join(dir, "pipe"))
	for path, want := range map[string]string{
		pipe:                         pipe + " is a pipe, not a regular file",
		"/dev/zero":                  "/dev/zero is a device, not a regular file",
		filepath.Join(dir, "absent"): "there is no file",
	} {
		file := write(t, filepath.Join(dir, "meshos.toml"), fmt.Sprintf("[node]\nid = 1\n[operators]\nsigners = %q\n", path))
		if _, err := Load(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// One file system that never answers holds up nobody who does not need it: it costs one
// wait for all paths together, and the rest of the configuration holds.
func TestPathsThatHangAreWarnings(t *testing.T) {
	dead := hangfs.Hung(t).Dir
	text := fmt.Sprintf(`[node]
id = 1
[operators]
signers = "%[1]s/signers"
[[plugin]]
name = "p"
path = "%[1]s/p"
[[daemon]]
id = 1
command = ["/bin/true"]
dir = "%[1]s/dir"
[[daemon]]
id = 2
command = ["/no/such/program"]
`, dead)
	file := write(t, filepath.Join(t.TempDir(), "meshos.toml"), text)
	start := time.Now()
	c, err := load(file, 100*time.Millisecond)
	if took := time.Since(start); took > readfile.Within {
		t.Errorf("it took %v", took)
	}
	if err != nil {
		t.Fatal(err)
	}
	var faults []string
	for _, f := range c.Faults {
		faults = append(faults, f.Key)
	}
	if got := strings.Join(faults, " "); got != "operators.signers daemon.command" {
		t.Errorf("faults of %s: %v", got, c.Faults)
	}
	var keys []string
	for _, w := range c.Warnings {
		if !strings.Contains(w.Message, "could not be checked: "+dead) {
			t.Errorf("warning %v", w)
		}
		keys = append(keys, w.Key)
	}
	if got := strings.Join(keys, " "); got != "plugin.path daemon.dir" {
		t.Errorf("warnings of %s", got)
	}
}
