package main

import (
	"bytes"
	"fmt"
	"go/importer"
	"go/token"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// exported builds the packages and lists what they export.
func exported(paths []string) ([]string, error) {
	files, err := exportFiles(paths)
	if err != nil {
		return nil, err
	}
	compiled := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		file, ok := files[path]
		if !ok {
			return nil, fmt.Errorf("go list names no export data of %s", path)
		}
		return os.Open(file)
	})
	var list []string
	for _, path := range paths {
		pkg, err := compiled.Import(path)
		if err != nil {
			return nil, err
		}
		list = append(list, lines(pkg)...)
	}
	return list, nil
}

// exportFiles returns the compiler's export data of the packages and of all that
// they import: the file of each, by path.
func exportFiles(paths []string) (map[string]string, error) {
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}
	list := exec.Command("go", slices.Concat(args, paths)...)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	files := map[string]string{}
	for line := range bytes.Lines(out) {
		if path, file, ok := strings.Cut(strings.TrimSpace(string(line)), "\t"); ok {
			files[path] = file
		}
	}
	return files, nil
}
