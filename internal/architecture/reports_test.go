package architecture

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each row of the field reports names tests that exist, and in the right file if it names one.
func TestEveryFieldReportHasItsTest(t *testing.T) {
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "field-reports.md"))
	if err != nil {
		t.Fatal(err)
	}
	files := testFunctions(t, root)
	named := regexp.MustCompile("`(Test\\w+)`(?: in `([^`]+)`)?")
	rows := 0
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| situation |") {
			continue
		}
		rows++
		found := named.FindAllStringSubmatch(line, -1)
		if len(found) == 0 {
			t.Errorf("docs/field-reports.md: no `TestName` in the row: %s", line)
		}
		for _, name := range found {
			switch file, ok := files[name[1]]; {
			case !ok:
				t.Errorf("docs/field-reports.md: there is no %s", name[1])
			case name[2] != "" && !strings.Contains(file, "\n"+name[2]+"\n"):
				t.Errorf("docs/field-reports.md: %s is not in %s, but in%s", name[1], name[2], strings.ReplaceAll(file, "\n", " "))
			}
		}
	}
	if rows == 0 {
		t.Error("docs/field-reports.md has no reports")
	}
}

// testFunctions returns the test functions of the repository with the files that they are in, each
// on a line of its own.
func testFunctions(t *testing.T, root string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "bin" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		for _, found := range function.FindAllStringSubmatch(string(text), -1) {
			out[found[1]] += "\n" + filepath.ToSlash(name) + "\n"
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
