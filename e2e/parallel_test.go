package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"
)

// A test that is not parallel keeps all others waiting while it waits itself.
func TestAllTestsAreParallel(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Name.Name == "TestMain" || len(f.Name.Name) < 4 || f.Name.Name[:4] != "Test" {
				continue
			}
			found++
			if !beginsParallel(f) {
				t.Errorf("%s: %s does not begin with t.Parallel()", name, f.Name.Name)
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d tests were found", found)
	}
}

func beginsParallel(f *ast.FuncDecl) bool {
	statement, ok := f.Body.List[0].(*ast.ExprStmt)
	if !ok {
		return false
	}
	call, ok := statement.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	return ok && method.Sel.Name == "Parallel"
}
