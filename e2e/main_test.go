package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
)

// bin is the folder in which TestMain put the binaries: meshos, plugins/* and examples/*.
var bin string

// binOfParent names the folder of a run of these tests that runs them again, in another
// namespace.
const binOfParent = "MESHOS_E2E_BIN"

// atOnce is how many tests run at the same time.
const atOnce = 8

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
	if err := prepareAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// prepareAll sets what is the same for all tests of this process: none of them changes it.
func prepareAll(dir string) error {
	if err := testkit.AtOnce(atOnce); err != nil {
		return err
	}
	if err := os.Setenv(binOfParent, dir); err != nil {
		return err
	}
	return build(dir)
}

func build(dir string) error {
	plugins := filepath.Join(dir, "plugins") + string(filepath.Separator)
	examples := filepath.Join(dir, "examples") + string(filepath.Separator)
	for _, folder := range []string{dir, plugins, examples} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(folder, 0o755); err != nil { // for tests that run a node or commands as another user
			return err
		}
	}
	for _, args := range [][]string{
		{filepath.Join(dir, "meshos"), "../cmd/meshos"},
		{filepath.Join(dir, "meshos-shim"), "../cmd/meshos-shim"},
		{plugins, "../plugins/..."},
		{examples, "../examples/plugins/..."},
	} {
		args = append([]string{"build", "-ldflags", "-s -w", "-o"}, args...) // as make build does
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("go %v: %w\n%s", args, err, out)
		}
	}
	return nil
}
