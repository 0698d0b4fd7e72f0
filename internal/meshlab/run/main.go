// Command run runs a mesh of three nodes on this machine, to look at, until ^C: with three chains,
// and a program that writes to them. It leaves nothing behind. It is what `make run-mesh` starts.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/meshos/meshos/internal/meshlab"
)

// within bounds how long the mesh may take to come up.
const within = 2 * time.Minute

func main() {
	bin := flag.String("bin", "bin", "the `folder` with the binaries")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, *bin)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "run-mesh:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin string) (err error) {
	bin, err = filepath.Abs(bin)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mesh") // a short path, since that of a socket has to be
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	root := os.Geteuid() == 0
	lab, err := meshlab.New(bin, dir, 3, root)
	if err != nil {
		return err
	}
	lab.Chains = true
	defer func() { err = errors.Join(err, lab.Close()) }()
	fmt.Println("starting three nodes …")
	starting, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err = lab.Found(starting, 3)
	if err == nil {
		err = lab.Ready(starting)
	}
	if err == nil {
		err = makeChains(starting, lab)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil // ^C
		}
		return err
	}
	say(bin, lab, root)
	err = write(ctx, lab) // returns once ^C ends it
	fmt.Println("\nending them …")
	return err
}

func say(bin string, lab *meshlab.Lab, root bool) {
	where := "on addresses of loopback"
	if root {
		where = "in a network namespace each"
	}
	fmt.Printf("\nA mesh of three seeds runs, %s. Three chains are held by two of them each, and a\nprogram writes to them: it says here when it waits. In another shell:\n\n", where)
	cli := filepath.Join(bin, "meshos")
	first, second := lab.Node(1), lab.Node(2)
	for _, line := range [][2]string{
		{"-c " + first.Config() + " nodes", "who is there, as alpha sees it"},
		{"-c " + first.Config() + " nodes -w", "the same, as it changes"},
		{"-c " + first.Config() + " --node bravo status", "asks bravo through alpha"},
		{"-c " + first.Config() + " chain list", "the chains, as far as alpha holds them"},
		{"-c " + second.Config() + " admin drain --node alpha --monitor", "empties alpha while the program goes on writing: an order given on bravo"},
		{"-c " + second.Config() + " admin uncordon --node alpha", "lets alpha hold chains again"},
		{"-c " + second.Config() + " audit tail", "all orders, the same on each node"},
	} {
		fmt.Printf("  # %s\n  %s %s\n", line[1], cli, line[0])
	}
	fmt.Println("\nTo see a node fail: kill -9 its process, or kill -STOP its mesh-nats:")
	for _, n := range lab.Nodes() {
		fmt.Printf("  %-8s process %d, %s, %s\n", n.Name, n.PID(), n.IP, n.Dir)
	}
	fmt.Println("\n^C ends all of it and removes what it wrote.")
}
