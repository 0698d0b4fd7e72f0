package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// proof is a test or a journal that names cases.
type proof struct {
	names []span
	file  string // relative to the repository
	test  string // the function; "" for a journal
	text  string // the text in it that names the case; "" when the function's name does
}

// scan finds all proofs in the repository at root, in the order of files and lines.
func scan(root string) ([]proof, error) {
	var out []proof
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "bin" || name == "var") ||
				path == filepath.Join(root, "internal", "conformance") {
				return fs.SkipDir
			}
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case strings.HasSuffix(name, "_test.go"):
			found, err := scanTests(path, filepath.ToSlash(relative))
			out = append(out, found...)
			return err
		case strings.HasSuffix(name, ".jsonl") && strings.Contains(filepath.ToSlash(relative), "/testdata/"):
			if names := journalRules(name); len(names) > 0 {
				out = append(out, proof{names: names, file: filepath.ToSlash(relative)})
			}
		}
		return nil
	})
	return out, err
}

// journalRules reads the rule in the name of a journal: b07-….jsonl, b10a-….jsonl.
func journalRules(name string) []span {
	word, _, _ := strings.Cut(name, "-")
	if !strings.HasPrefix(word, "b") {
		return nil
	}
	return mentioned("B"+word[1:], true)
}

// scanTests finds the proofs in one file of tests.
func scanTests(path, relative string) ([]proof, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var out []proof
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || !isTest(fn.Name.Name) {
			continue
		}
		test := fn.Name.Name
		if names := mentioned(test, false); len(names) > 0 {
			out = append(out, proof{names: names, file: relative, test: test})
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			if text, ok := literal(n); ok {
				if names := mentioned(text, true); len(names) > 0 {
					out = append(out, proof{names: names, file: relative, test: test, text: text})
				}
			}
			return true
		})
	}
	return out, nil
}

// isTest reports whether a function is a test by its name.
func isTest(name string) bool {
	return slices.ContainsFunc([]string{"Test", "Fuzz"}, func(kind string) bool { return strings.HasPrefix(name, kind) })
}

// literal returns the value of a string literal.
func literal(n ast.Node) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}
