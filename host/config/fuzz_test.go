package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/config"
)

// Any text results in a configuration or in a report. A configuration that is written out
// and read again is the same.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := config.Parse("meshos.toml", text)
		var report *config.Report
		if err != nil {
			if !errors.As(err, &report) || len(report.Problems) == 0 || c != nil {
				t.Fatalf("error %#v beside %v", err, c)
			}
			return
		}
		again, err := config.Parse("meshos.toml", c.Effective())
		if err != nil {
			t.Fatalf("the effective configuration has mistakes:\n%v\n%s", err, c.Effective())
		}
		// The lines of warnings differ.
		c.Warnings, again.Warnings = nil, nil
		if diff := cmp.Diff(c, again); diff != "" {
			t.Fatalf("read again it differs (-first +again):\n%s", diff)
		}
	})
}
