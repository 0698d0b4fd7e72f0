package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// bench is what the rows share: the built binaries and a folder for what a round needs.
type bench struct{ bin, dir string }

func newBench(bin string) (*bench, error) {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(bin, "plugins")); err != nil {
		return nil, fmt.Errorf("nothing is built in %s (make build): %w", bin, err)
	}
	dir, err := os.MkdirTemp("", "cmp")
	if err != nil {
		return nil, err
	}
	return &bench{bin: bin, dir: dir}, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

func (b *bench) plugin(name string) string { return filepath.Join(b.bin, "plugins", name) }
