package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/config"
)

const (
	keyOne = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJYPzRSm6+v3PtBTUtHjHhoeVBdb1rVU4IZsoO/cXc+h"
	keyTwo = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPlnXyjlKGWkVbxzEV1cKJzWWXk7rRtw1JE2Z6SOGBVu"
)

// withSigners loads a configuration with a file of signers.
func withSigners(t *testing.T, signers, operators string) (*config.Config, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"allowed_signers": signers,
		"meshos.toml":     "[node]\nid = 1\n[operators]\nsigners = \"allowed_signers\"\n" + operators,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config.Load(filepath.Join(dir, "meshos.toml"))
}

func TestADamagedFileOfSignersIsReportedWithItsOwnLines(t *testing.T) {
	_, err := withSigners(t, "# us\nalice "+keyOne+"\nbob ssh-rsa AAAA\ncarol\n", "")
	var report *config.Report
	if !errors.As(err, &report) || len(report.Problems) != 2 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []string{"allowed_signers:3: a key of type ssh-rsa may not sign", "allowed_signers:4: needs principals"} {
		if got := report.Problems[i].String(); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestThresholdsThatNobodyCanMeetAreAWarning(t *testing.T) {
	for _, c := range []struct {
		signers, operators string
		want               []string
	}{
		{"alice " + keyOne + "\nbob " + keyTwo, "", nil},
		{"alice " + keyOne + "\nalice " + keyTwo, "", []string{"operators.break_glass: needs 2 different operators"}},
		{"alice " + keyOne, "break_glass = 1", nil},
		{"", "break_glass = 1\nthaw = 3", []string{"operators.ordinary", "operators.break_glass", "operators.thaw"}},
	} {
		got, err := withSigners(t, c.signers, c.operators)
		if err != nil {
			t.Fatal(err)
		}
		if c.want == nil && len(got.Warnings) != 0 {
			t.Errorf("%q: warnings %v", c.signers, got.Warnings)
		}
		for _, want := range c.want {
			found := false
			for _, w := range got.Warnings {
				found = found || strings.Contains(w.String(), want)
			}
			if !found {
				t.Errorf("%q: warnings %v, want %q", c.signers, got.Warnings, want)
			}
		}
	}
}
