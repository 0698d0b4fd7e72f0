package config_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/internal/envfile"
)

// write writes files into a folder that others may enter, as far as this test can tell.
func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "sources")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestVariablesAreReadFromFilesInTheirOrder(t *testing.T) {
	dir := write(t, map[string]string{"one": "A=1\nB=1\nC=1\n", "two": "B=2\nC=2\n", "c": "3\n", "lines": "x\ny\r\n", "none": ""})
	got, err := config.Sources{
		Files:  []config.EnvFile{{Path: dir + "/one"}, {Path: dir + "/gone", Optional: true}, {Path: dir + "/two", Optional: true}},
		Values: map[string]string{"C": dir + "/c", "D": dir + "/lines", "E": dir + "/none"},
	}.Read()
	want := map[string]string{"A": "1", "B": "2", "C": "3", "D": "x\ny", "E": ""}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestAFileThatCannotBeReadIsSaidWithoutWhatIsInIt(t *testing.T) {
	const secret = "tops3cret"
	dir := write(t, map[string]string{"odd": "A=1\n" + secret, "nul": secret + "\x00", "large": strings.Repeat("x", 64<<10+1)})
	if err := syscall.Mkfifo(dir+"/pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sources config.Sources
		want    string
	}{
		{config.Sources{Files: []config.EnvFile{{Path: dir + "/gone"}}}, "env_file: there is no file " + dir + `/gone; create it, or write "-` + dir + `/gone" if it may be missing`},
		{config.Sources{Files: []config.EnvFile{{Path: dir + "/odd", Optional: true}}}, "env_file: " + dir + "/odd: line 2 is not KEY=VALUE; docs/daemons.md says how such a file is written"},
		{config.Sources{Files: []config.EnvFile{{Path: dir}}}, "env_file: " + dir + " is a directory, not a regular file; correct the path or the file"},
		{config.Sources{Values: map[string]string{"A": dir + "/gone"}}, "env.A: there is no file " + dir + "/gone; create it, or correct the path"},
		{config.Sources{Values: map[string]string{"A": dir + "/nul"}}, "env.A: " + dir + "/nul is not text: it has a NUL character, or is not UTF-8; a variable can't hold that: give the program the path instead"},
		{config.Sources{Values: map[string]string{"A": dir + "/large"}}, "env.A: " + dir + "/large is larger than 64 KiB; correct the path or the file"},
		{config.Sources{Values: map[string]string{"A": dir + "/pipe"}}, "env.A: " + dir + "/pipe is a pipe, not a regular file; correct the path or the file"},
	} {
		got, err := c.sources.Read()
		if err == nil || err.Error() != c.want || strings.Contains(err.Error(), secret) {
			t.Errorf("%v, %v\nwant %s", got, err, c.want)
		}
		if why := config.WrongSources(c.sources); why != c.want {
			t.Errorf("%s\nwant %s", why, c.want)
		}
	}
	_, err := config.Sources{Files: []config.EnvFile{{Path: dir + "/odd"}}}.Read()
	if syntax := (*envfile.Error)(nil); !errors.As(err, &syntax) || syntax.Line != 2 {
		t.Errorf("%#v", err)
	}
}

func TestSecretsThatOthersCanReadAreWarnedOf(t *testing.T) {
	dir := write(t, map[string]string{"env": "A=1\n", "b": "2", "closed": "3"})
	for name, mode := range map[string]os.FileMode{"env": 0o644, "b": 0o646} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "meshos.toml")
	text := "[node]\nid = 1\n[[daemon]]\nid = 1\ncommand = [\"sh\"]\nenv_file = \"env\"\nenv = { B = { file = \"b\" }, C = { file = \"closed\" } }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil || len(c.Faults) > 0 {
		t.Fatal(err, c)
	}
	var got []string
	for _, w := range c.Warnings {
		got = append(got, w.Key+": "+w.Message)
	}
	want := []string{
		"daemon.env_file: every user of this machine can read " + dir + "/env: its mode is 0644",
		"daemon.env.B: every user of this machine can change " + dir + "/b: its mode is 0646",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("warnings:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if c, err := config.Load(file); err != nil || len(c.Warnings) > 0 {
		t.Errorf("in a folder that nobody else may enter: %v, %v", c.Warnings, err)
	}
}
