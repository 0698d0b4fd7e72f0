package config_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/internal/golden"
)

// Beside each broken file is its report, word for word.
func TestBrokenFilesAreReportedInFull(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	here, err := filepath.Abs("testdata/broken")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, err := config.Load(file)
			var report *config.Report
			if !errors.As(err, &report) || c != nil {
				t.Fatalf("Load returns %v and %v, want only a report", c, err)
			}
			got := report.Error() + "\n"
			for _, warning := range report.Warnings {
				got += "warning: " + warning.String() + "\n"
			}
			got = strings.ReplaceAll(got, here, "HERE")
			golden.Check(t, strings.TrimSuffix(file, ".toml")+".txt", got)
		})
	}
}
