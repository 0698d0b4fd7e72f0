package companion_test

import (
	"errors"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/meshos/meshos/host/companion"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// beside returns options to look in a folder of this test's own.
func beside(t *testing.T, version string) (o companion.Options, path string) {
	t.Helper()
	dir := t.TempDir()
	return companion.Options{Version: version, Beside: filepath.Join(dir, "meshos"), Dir: dir}, filepath.Join(dir, companion.Name)
}

func TestTheProgramOfTheSameVersionIsFound(t *testing.T) {
	o, path := beside(t, "v1.2.3")
	build := exec.Command("go", "build", "-ldflags", "-X main.version=v1.2.3", "-o", path, "../../cmd/meshos-shim")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p, err := companion.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	o.Version = "v1.2.4"
	_, err = companion.Open(t.Context(), o)
	var version *companion.VersionError
	if !errors.As(err, &version) || version.Path != path || version.Has != "meshos-shim v1.2.3" || version.Want != "v1.2.4" {
		t.Errorf("got %v", err)
	}
}

func TestAMissingProgramIsSaid(t *testing.T) {
	o, path := beside(t, "v1")
	_, err := companion.Open(t.Context(), o)
	var load *process.LoadError
	if !errors.As(err, &load) || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNotTheProgramIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"not a program":                   "exec format error",
		"#!/bin/sh\necho something else":  "another version",
		"#!/bin/sh\nexit 3":               "another version",
		"#!/bin/sh\nexec yes meshos-shim": "another version",
	} {
		o, path := beside(t, "v1")
		testkit.Script(t, path, text)
		if _, err := companion.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
