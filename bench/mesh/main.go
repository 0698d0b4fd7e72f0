package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/meshos/meshos/internal/meshlab"
)

func main() {
	bin := flag.String("bin", "bin", "the folder with meshos and plugins/")
	commits := flag.Int("commits", 200, "orders whose way is measured")
	idle := flag.Duration("idle", 40*time.Second, "how long an idle mesh is measured")
	cut := flag.Duration("cut", time.Minute, "how long a node is cut off")
	chains := flag.Int("chains", 0, "measure nothing but the drain of a node with so many chains, beside what else empties one")
	rounds := flag.Int("rounds", 3, "how often that is measured, in turn")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	measure := func() error { return run(ctx, *bin, *commits, *idle, *cut) }
	if *chains > 0 {
		measure = func() error { return drains(ctx, *bin, *chains, *rounds) }
	}
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, "mesh:", err)
		stop()
		os.Exit(1)
	}
}

// nodes of the mesh: five seeds and a leaf.
const (
	seeds = 5
	leaf  = 6
)

func run(ctx context.Context, bin string, commits int, idle, cut time.Duration) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("network namespaces need root")
	}
	if bin, err = filepath.Abs(bin); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bm") // a short path, since that of a socket has to be
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	lab, err := meshlab.New(bin, dir, leaf, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	b, err := newBench(lab)
	if err != nil {
		return err
	}
	defer b.close()
	for _, row := range []struct {
		name, prototype string
		measure         func(context.Context) (string, error)
	}{
		{"from nothing to a mesh of five seeds that takes orders", "", b.found},
		{"a node joins, until all others have heard what it says of itself", "", b.join},
		{
			"idle: CPU of host + plugin, private and resident memory; wire both ways", "seed 0.9 %, 26 MB · leaf 0.3 %, 20 MB, 77 B/s (plugin alone)",
			func(ctx context.Context) (string, error) { return b.idle(ctx, idle) },
		},
		{
			"an order on any of six nodes, until it is recorded and folded on all", "p50 3.4 ms, p99 7.9 ms",
			func(ctx context.Context) (string, error) { return b.commits(ctx, commits) },
		},
		{"SIGKILL of the leader's plugin, until the next order is accepted", "5.3–7.1 s", b.killed},
		{"SIGSTOP of the leader's plugin, the same", "4.8–6.4 s", b.stopped},
		{"two seeds with the leader cut off from three: next order · equal after healing", "4.8 s · 3.7 s", b.partition},
		{"a cut in one direction, from the leader: the same", "4.8 s · 1.8 s", b.oneWay},
		{
			fmt.Sprintf("a leaf cut off for %s with 20 orders: equal after healing", cut), "1.0 s",
			func(ctx context.Context) (string, error) { return b.leafCut(ctx, cut) },
		},
		{"a seed starts without its store: all of it takes orders and has the log", "0.1 s", b.lostStore},
	} {
		got, err := row.measure(ctx)
		if err != nil {
			got = "not measured: " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Printf("| %s | %s | %s |\n", row.name, got, row.prototype)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
