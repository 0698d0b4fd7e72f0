package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func TestTooFewKeysThatAreValidNowOrSoonAreAWarning(t *testing.T) {
	in := func(days int) string { return time.Now().AddDate(0, 0, days).UTC().Format("20060102150405Z") }
	for _, c := range []struct{ ben, want string }{
		{"", ""},
		{`valid-before="` + in(15) + `" `, ""},
		{`valid-after="` + in(-1) + `" `, ""},
		{
			`valid-before="` + in(3) + `" `,
			"the valid keys belong to 1: no such command can be accepted then (that of ben in line 2 is valid until " + time.Now().AddDate(0, 0, 3).UTC().Format("2006-01-02T"),
		},
		{`valid-before="` + in(-3) + `" `, "the keys that are valid now belong to 1: no such command can be accepted then (that of ben in line 2 is valid until "},
		{`valid-after="` + in(3) + `" `, "the keys that are valid now belong to 1: no such command can be accepted then (that of ben in line 2 is valid from "},
	} {
		got, err := withSigners(t, "alice "+keyOne+"\nben "+c.ben+keyTwo, "")
		if err != nil {
			t.Fatal(err)
		}
		if c.want == "" && len(got.Warnings) == 0 {
			continue
		}
		if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0].String(), "operators.break_glass: needs 2 different operators") ||
			!strings.Contains(got.Warnings[0].String(), c.want) {
			t.Errorf("ben %s: warnings %v, want %q", c.ben, got.Warnings, c.want)
		}
	}
}

func TestAByteOrderMarkIsNotPartOfTheConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "meshos.toml")
	if err := os.WriteFile(file, []byte("\ufeff[node]\nid = 3\n[[plugin]]\nname = \"p\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := config.Load(file); err != nil || c.Node.ID != 3 {
		t.Errorf("%v", err)
	}
	if c, err := config.Peek(file, "node.id"); err != nil || c.Node.ID != 3 {
		t.Errorf("%v", err)
	}
	if line := config.Lines(file)("plugin", 0, "name"); line != 4 {
		t.Errorf("the name of the plugin is in line %d", line)
	}
	_, err := config.Parse("f", "\ufeffnode.idd = 3\n")
	var report *config.Report
	if !errors.As(err, &report) || len(report.Problems) != 2 || report.Problems[1].Line != 1 || report.Problems[1].Key != "node.idd" {
		t.Errorf("a mistake in the first line: %v", err)
	}
}
