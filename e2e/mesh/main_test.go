package mesh

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
)

// bin is the folder in which TestMain put the binaries: meshos, meshos-shim and plugins/*.
var bin string

// built names a folder with binaries that are built already.
const built = "MESHOS_BIN"

// atOnce is how many tests run at the same time: each has several nodes.
const atOnce = 3

func TestMain(m *testing.M) {
	if err := testkit.AtOnce(atOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if bin = os.Getenv(built); bin != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "meshos-mesh-")
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
	if err := os.MkdirAll(plugins, 0o755); err != nil {
		return err
	}
	for _, args := range [][]string{
		{filepath.Join(dir, "meshos"), "../../cmd/meshos"},
		{filepath.Join(dir, "meshos-shim"), "../../cmd/meshos-shim"},
		{plugins, "../../plugins/..."},
	} {
		args = append([]string{"build", "-ldflags", "-s -w", "-o"}, args...) // as make build does
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("go %v: %w\n%s", args, err, out)
		}
	}
	return nil
}
