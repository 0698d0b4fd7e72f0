package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/config"
)

// A client needs the socket only, even from a file that is being edited.
func TestPeekReadsOnlyTheKeysItIsAskedFor(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "meshos.toml")
	for text, want := range map[string]string{
		"":                                    filepath.Join(dir, "run/meshos.sock"),
		"[node]\nsocket = \"/run/m.sock\"":    "/run/m.sock",
		"[node]\nid = what\nsocket = \"s\"\n": filepath.Join(dir, "s"),
		"[loop]\ntick_interval = 7":           filepath.Join(dir, "run/meshos.sock"),
		"[node]\ncluster = 7\n[operators]\nordinary = many\n": filepath.Join(dir, "run/meshos.sock"),
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := config.Peek(file, "node.socket"); err != nil || got.Node.Socket != want {
			t.Errorf("%q: got %s, error %v, want %s", text, got.Node.Socket, err, want)
		}
	}
}

func TestPeekOfAFileThatIsNotThere(t *testing.T) {
	_, err := config.Peek(filepath.Join(t.TempDir(), "none.toml"), "node.socket")
	var report *config.Report
	if !errors.As(err, &report) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// A default must not stand in for a setting that the file has and that can't be read.
func TestPeekReportsMistakesInWhatItIsAskedFor(t *testing.T) {
	for text, want := range map[string]string{
		"[node]\ncluster = 7\n":                "meshos.toml:2: node.cluster: must be text",
		"[node]\nid = 1\ncluster = prod\n":     "meshos.toml:3: node.cluster: ",
		"[node]\ncluster \"prod\"\n":           "meshos.toml:2: node.cluster: ",
		"[node]\ncluster: \"prod\"\n":          `meshos.toml:2: node."cluster:": `,
		"[[node]]\ncluster = \"prod\"\n":       "meshos.toml:1: node: must be one table",
		"[operators]\nfreshness = \"later\"\n": `meshos.toml:2: operators.freshness: "later" `,
	} {
		if _, err := config.PeekText("meshos.toml", text, "node.cluster", "operators.freshness"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
