package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/meshos/meshos/host/companion"
	"github.com/meshos/meshos/host/process"
)

// bench is what the rows share: the built binaries, a folder for what a round needs, and what
// starts processes as a node does.
type bench struct {
	bin, dir string
	small    *process.Program
	spawner  *process.Spawner
}

func newBench(ctx context.Context, bin string) (*bench, error) {
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
	b := &bench{bin: bin, dir: dir}
	if err := b.spawn(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// spawn starts what starts processes: the watcher of a node, which executes meshos-shim.
func (b *bench) spawn(ctx context.Context) (err error) {
	first := process.NewSpawner()
	defer first.Close()
	shim := filepath.Join(b.bin, companion.Name)
	if b.small, err = first.Load(ctx, shim, process.LoadOptions{MaxSize: 64 << 20, Dir: b.dir}); err != nil {
		return fmt.Errorf("%w (make build)", err)
	}
	b.spawner, err = process.NewWatched(process.WatchOptions{
		Record: filepath.Join(b.dir, "processes"), Program: b.small, Log: slog.New(slog.DiscardHandler),
	})
	return err
}

func (b *bench) close() {
	if b.spawner != nil {
		b.spawner.Close()
	}
	if b.small != nil {
		b.small.Close()
	}
	_ = os.RemoveAll(b.dir)
}

func (b *bench) plugin(name string) string { return filepath.Join(b.bin, "plugins", name) }
