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
	"github.com/meshos/meshos/internal/testkit"
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

// elsewhere is a configuration that names files in three folders.
func elsewhere(t *testing.T, signers, plugin, daemon string) (file string) {
	t.Helper()
	return write(t, filepath.Join(t.TempDir(), "meshos.toml"), fmt.Sprintf(`[node]
id = 1
[operators]
signers = "%s/signers"
[[plugin]]
name = "p"
path = "%s/p"
[[daemon]]
id = 1
command = ["/bin/true"]
dir = "%s/dir"
[[daemon]]
id = 2
command = ["/no/such/program"]
`, signers, plugin, daemon))
}

// File systems that never answer cost one wait for all paths together.
func TestPathsThatHangAreWaitedForAtOnce(t *testing.T) {
	one, two, three := hangfs.Hung(t), hangfs.Hung(t), hangfs.Hung(t)
	file := elsewhere(t, one.Dir, two.Dir, three.Dir)
	loaded := make(chan error, 1)
	go func() {
		_, err := load(file, time.Hour)
		loaded <- err
	}()
	testkit.Until(t, "all paths to be waited for", func() bool {
		return one.Waiting() > 0 && two.Waiting() > 0 && three.Waiting() > 0
	})
	for _, fs := range []*hangfs.FS{one, two, three} {
		fs.LetGo()
	}
	if err := <-loaded; err == nil || !strings.Contains(err.Error(), "there is no file "+one.Dir+"/signers") {
		t.Errorf("got %v", err)
	}
}

// A file system that never answers holds up nobody who does not need it: the rest of the
// configuration holds.
func TestPathsThatHangAreWarnings(t *testing.T) {
	dead := hangfs.Hung(t).Dir
	c, err := load(elsewhere(t, dead, dead, dead), 100*time.Millisecond)
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
