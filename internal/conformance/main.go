// Command conformance writes docs/conformance.md: what must hold, and which tests prove
// it.
//
// The cases are in cases/*.txt, each with its number and what it means in a sentence. The
// command finds their tests by the names of test functions and by the texts in those that
// begin with a case: TestCore068_…, "Core041 first crash…", TestLOP05_…, TestB7_…,
// TestP3_…, ranges (Core020to038) and lists (Core088_089_091). Journals that are named
// after a rule (testdata/**/b07-….jsonl) count as tests too.
//
// It runs no test and judges none: whether a test proves the case in its name is for its
// reader to see.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// pagePath is the page's path in the repository.
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

// makePage returns the page of the repository at root.
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
