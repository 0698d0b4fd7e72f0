package architecture

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

func TestTheCoreIsPure(t *testing.T) {
	looked := 0
	for _, f := range repository(t) {
		if !matches(core, f.pkg) {
			continue
		}
		looked++
		for _, problem := range impurities(f) {
			t.Error(problem)
		}
	}
	if looked < 30 {
		t.Errorf("looked at only %d files of %s", looked, core)
	}
}

// impurities lists what a file of the core does beside computing.
func impurities(f source) []string {
	var out []string
	report := func(at token.Pos, format string, args ...any) {
		out = append(out, fmt.Sprintf("%s: %s, but the core only computes: time comes in with the input, and everything else is for the packages above",
			f.fset.Position(at), fmt.Sprintf(format, args...)))
	}
	names := map[string]string{} // import paths by the name they have in the file
	for i, spec := range f.syntax.Imports {
		to := f.imports[i]
		if f.standard(to) && !slices.Contains(strings.Fields(pureStandard), to) {
			report(spec.Pos(), "%s is imported", to)
		}
		name := path.Base(to)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "." || name == "_" {
			report(spec.Pos(), "%s is imported as %s", to, name)
		}
		names[name] = to
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			report(n.Pos(), "a goroutine is started")
		case *ast.ChanType:
			report(n.Pos(), "a channel is used")
		case *ast.SelectStmt:
			report(n.Pos(), "it selects among channels")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && slices.Contains(strings.Fields(impure[names[x.Name]]), n.Sel.Name) {
				report(n.Pos(), "%s.%s is used", x.Name, n.Sel.Name)
			}
		case *ast.CallExpr:
			if fn, ok := n.Fun.(*ast.Ident); ok && (fn.Name == "print" || fn.Name == "println") {
				report(n.Pos(), "%s is called", fn.Name)
			}
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				report(n.Pos(), "it has an init function")
			}
		}
		return true
	})
	for _, decl := range f.syntax.Decls {
		if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.VAR {
			report(d.Pos(), "a package variable is declared")
		}
	}
	return out
}
