package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/meshos/meshos"

// source is one Go file that is built into programs.
type source struct {
	file    string // relative to the repository
	pkg     string // its folder
	syntax  *ast.File
	fset    *token.FileSet
	imports []string // import paths, those of this project without the module
}

// readTree reads the Go files of a repository that are no tests.
func readTree(tree fs.FS) ([]source, error) {
	var out []source
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && outside(tree, name):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		one, err := readSource(tree, name)
		out = append(out, one)
		return err
	})
	return out, err
}

// outside reports whether a folder holds nothing of this module.
func outside(tree fs.FS, name string) bool {
	base := path.Base(name)
	if base == "testdata" || strings.HasPrefix(base, ".") || name == "bin" || name == "var" {
		return true
	}
	_, err := fs.Stat(tree, path.Join(name, "go.mod"))
	return err == nil
}

func readSource(tree fs.FS, name string) (source, error) {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return source{}, err
	}
	out := source{file: name, pkg: path.Dir(name), fset: token.NewFileSet()}
	mode := parser.ImportsOnly
	if matches(core, out.pkg) {
		mode = parser.SkipObjectResolution
	}
	if out.syntax, err = parser.ParseFile(out.fset, name, text, mode); err != nil {
		return source{}, err
	}
	for _, spec := range out.syntax.Imports {
		to, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return source{}, err
		}
		if own, found := strings.CutPrefix(to, module+"/"); found {
			to = own
		}
		out.imports = append(out.imports, to)
	}
	return out, nil
}

// ours reports whether an import is a package of this project.
func (s source) ours(to string) bool {
	first, _, _ := strings.Cut(to, "/")
	return slices.Contains([]string{"bench", "cmd", "e2e", "examples", "host", "internal", "plugins", "pluginsdk", "proto"}, first)
}

// standard reports whether an import is a package of the standard library.
func (s source) standard(to string) bool {
	first, _, _ := strings.Cut(to, "/")
	return !strings.Contains(first, ".") && !s.ours(to)
}

// matches reports whether one of the patterns, separated by blanks, matches a package.
// Like those of the go command, "host/..." matches host and everything below it.
func matches(patterns, pkg string) bool {
	return slices.ContainsFunc(strings.Fields(patterns), func(pattern string) bool {
		above, below := strings.CutSuffix(pattern, "/...")
		return pkg == above || below && strings.HasPrefix(pkg, above+"/")
	})
}

func join(patterns ...string) string { return strings.Join(patterns, " ") }
