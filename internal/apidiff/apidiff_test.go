package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"testing"
)

const before = `package sdk

const Most = 4

type Kind interface{ Do(text string) error }

type Point struct {
	X int ` + "`json:\"x\"`" + `
	y int
}

func (p Point) Size() int        { return 0 }
func (p *Point) Move(by ...int)  {}
func (p *Point) hidden()         {}

type Hook func(name string) bool

func Run[T any](hook Hook, then func(first, second T) error) (ok bool, err error) { return }
`

// list is what a package of this source exports.
func list(t *testing.T, source string) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "sdk.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := (&types.Config{}).Check("example.com/sdk", files, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return lines(pkg)
}

func TestWhatAPackageExportsIsListedWithoutNamesOfParameters(t *testing.T) {
	want := strings.Join([]string{
		`sdk const Most untyped int = 4`,
		`sdk field Point.X int json:"x"`,
		`sdk func Run[T any](Hook, func(T, T) error) (bool, error)`,
		`sdk method (*Point) Move(...int)`,
		`sdk method (Point) Size() int`,
		`sdk type Hook func(string) bool`,
		`sdk type Kind interface{Do(string) error}`,
		`sdk type Point struct`,
	}, "\n")
	if got := strings.Join(list(t, before), "\n"); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestAdditionsPassAndBreaksAreNamed(t *testing.T) {
	for _, c := range []struct{ what, old, now, gone string }{
		{"nothing", "", "", ""},
		{"another function", "type Hook", "func More() {}\ntype Hook", ""},
		{"another field", "y int", "y, Z int", ""},
		{"another name of a parameter", "text string", "words string", ""},
		{"another unexported method", "hidden()", "secret()", ""},
		{"another method of an interface", "Do(text string) error", "Do(text string) error; Undo()", "type Kind interface{Do(string) error}"},
		{"another parameter", "Size()", "Size(scale int)", "method (Point) Size() int"},
		{"another result", "(ok bool, err error)", "(ok bool)", "func Run[T any](Hook, func(T, T) error) (bool, error)"},
		{"another value", "Most = 4", "Most = 5", "const Most untyped int = 4"},
		{"another key", "`json:\"x\"`", "`json:\"X\"`", `field Point.X int json:"x"`},
		{"another type of a field", "X int", "X uint8", "field Point.X int json:\"x\""},
		{"a method that needs a pointer", "(p Point) Size() int        { return 0 }", "(p *Point) Size() int { return 0 }", "method (Point) Size() int"},
		{"a function that is gone", "func Run", "func run", "func Run[T any](Hook, func(T, T) error) (bool, error)"},
	} {
		now := strings.Replace(before, c.old, c.now, 1)
		err := compare(list(t, before), list(t, now))
		switch {
		case c.gone == "" && err != nil:
			t.Errorf("%s: %v", c.what, err)
		case c.gone != "" && (err == nil || !strings.HasSuffix(err.Error(), ":\n  sdk "+c.gone)):
			t.Errorf("%s: got %v", c.what, err)
		}
	}
}
