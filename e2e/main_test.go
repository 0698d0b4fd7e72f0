package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bin is the folder in which TestMain put the binaries: meshos, plugins/* and examples/*.
var bin string

// binOfParent names the folder of a run of these tests that runs them again, in another
// namespace.
const binOfParent = "MESHOS_E2E_BIN"

func TestMain(m *testing.M) {
	if bin = os.Getenv(binOfParent); bin != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "meshos-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bin = dir
	code := 1
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func build(dir string) error {
	plugins := filepath.Join(dir, "plugins") + string(filepath.Separator)
	examples := filepath.Join(dir, "examples") + string(filepath.Separator)
	for _, folder := range []string{plugins, examples} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"build", "-o", filepath.Join(dir, "meshos"), "../cmd/meshos"},
		{"build", "-o", filepath.Join(dir, "meshos-shim"), "../cmd/meshos-shim"},
		{"build", "-o", plugins, "../plugins/..."},
		{"build", "-o", examples, "../examples/plugins/..."},
	} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("go %v: %w\n%s", args, err, out)
		}
	}
	return nil
}
