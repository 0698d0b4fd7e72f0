// Command conformance writes docs/conformance.md: which case of the specification
// is proven by which test.
//
// The cases stand in cases/*.txt, each with its number and a few words. What tests
// there are it reads from the names of test functions and from the texts in them
// that begin with a case: TestCore068_…, "Core041 first crash…", TestLOP05_…,
// TestB7_…, ranges (Core020to038) and lists (Core088_089_091), and from journals
// named after a rule (testdata/**/b07-….jsonl).
//
// It runs no test and judges none: that a test named after a case proves it is for
// its reader to see.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// pagePath is where the page stands in the repository.
const pagePath = "docs/conformance.md"

func main() {
	if err := write("."); err != nil {
		fmt.Fprintf(os.Stderr, "conformance: %s\n", err)
		os.Exit(1)
	}
}

// write writes the page of the repository at root.
func write(root string) error {
	page, err := makePage(root)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, pagePath), []byte(page), 0o644)
}

// makePage gives the page of the repository at root.
func makePage(root string) (string, error) {
	all, err := loadCases()
	if err != nil {
		return "", err
	}
	found, err := scan(root)
	if err != nil {
		return "", err
	}
	if err := all.prove(found); err != nil {
		return "", err
	}
	return all.page(), nil
}
