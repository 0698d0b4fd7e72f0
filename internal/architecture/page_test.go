package architecture

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

// docs/architecture.md names every package, by itself or by a folder above it.
func TestTheArchitectureNamesEveryPackage(t *testing.T) {
	page, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	tree := os.DirFS("../..")
	packages := map[string]bool{}
	err = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || name != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case strings.HasSuffix(name, ".go"):
			packages[path.Dir(name)] = true
		}
		return nil
	})
	if err != nil || len(packages) < 30 {
		t.Fatalf("found %d packages: %v", len(packages), err)
	}
	folders := []string{"plugins", "examples/plugins", "proto/meshos", "host/catalog/internal", "host/records/disk"}
	named := func(pkg string) bool { return strings.Contains(string(page), "`"+pkg+"`") }
	for pkg := range packages {
		known := named(pkg)
		for _, folder := range folders {
			known = known || strings.HasPrefix(pkg, folder+"/") && named(folder)
		}
		if !known {
			t.Errorf("docs/architecture.md does not name %s", pkg)
		}
	}
}
