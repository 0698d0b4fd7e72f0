package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Build is something that tests run: packages, and the file or, if it ends in a slash, the
// folder for their binaries, both relative.
type Build struct{ To, Packages string }

// Product is what `make build` makes: the node's binaries, and the plugins beside it.
func Product(root string) []Build {
	return []Build{
		{"meshos", root + "/cmd/meshos"}, {"meshos-shim", root + "/cmd/meshos-shim"}, {"plugins/", root + "/plugins/..."},
	}
}

// WithBinaries runs the tests of a package, atOnce of them at the same time, with binaries in a
// folder that is theirs alone, and returns the exit code. bin is set to the folder. If the
// variable names one already, that is taken as it is: for a run of the tests by themselves in
// another namespace, or by people who have built.
func WithBinaries(m *testing.M, bin *string, variable string, atOnce int, builds ...Build) int {
	dir, err := prepare(variable, atOnce, builds)
	if dir.own {
		defer func() { _ = os.RemoveAll(dir.path) }()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	*bin = dir.path
	return m.Run()
}

type folder struct {
	path string
	own  bool
}

func prepare(variable string, atOnce int, builds []Build) (dir folder, err error) {
	if err := AtOnce(atOnce); err != nil {
		return dir, err
	}
	if dir.path = os.Getenv(variable); dir.path != "" {
		return dir, nil
	}
	if dir.path, err = os.MkdirTemp("", "meshos-e2e-"); err != nil {
		return dir, err
	}
	dir.own = true
	if err := os.Setenv(variable, dir.path); err != nil {
		return dir, err
	}
	return dir, BuildInto(dir.path, builds...)
}

// BuildInto builds binaries into a folder as `make build` does. Everybody may execute them: some
// tests run a node or commands as another user.
func BuildInto(dir string, builds ...Build) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for _, b := range builds {
		to := filepath.Join(dir, b.To)
		if strings.HasSuffix(b.To, "/") {
			if err := os.MkdirAll(to, 0o755); err != nil {
				return err
			}
			if err := os.Chmod(to, 0o755); err != nil {
				return err
			}
			to += string(filepath.Separator)
		}
		if out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", to, b.Packages).CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", b.Packages, err, out)
		}
	}
	return nil
}
