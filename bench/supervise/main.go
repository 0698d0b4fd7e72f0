package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

func main() {
	n := flag.Int("n", 200, "daemons to supervise")
	runs := flag.Int("runs", 3, "runs of each, alternating; the medians are compared")
	output := flag.String("o", "table", "table or json")
	meshos := flag.String("meshos", "bin/meshos", "the binary of the node; its meshos-shim is beside it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := compare(ctx, *n, *runs, *output, *meshos); err != nil {
		fmt.Fprintln(os.Stderr, "supervise:", err)
		stop()
		os.Exit(1)
	}
}

// compare runs everything and prints the table.
func compare(ctx context.Context, n, runs int, output, meshos string) error {
	if n < 1 || runs < 1 || output != "table" && output != "json" {
		return errors.New("-n and -runs take at least 1, and -o is table or json")
	}
	// Whatever loses its parent becomes our child, and its CPU time is ours to read.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the parent of orphans: %w", err)
	}
	subjects := []subject{runit{}, node{binary: meshos, daemons: true}, node{binary: meshos}}
	all := make([][]Cost, len(subjects))
	for range runs {
		for i, s := range subjects {
			if s == nil {
				continue // it is missing
			}
			c, err := measure(ctx, s, n)
			if missing := (*missingError)(nil); errors.As(err, &missing) {
				fmt.Fprintln(os.Stderr, missing)
				subjects[i] = nil
				continue
			}
			if err != nil {
				return err
			}
			all[i] = append(all[i], c)
		}
	}
	found := Found{Daemons: n, Runit: median(all[0]), Node: median(all[1]), Idle: median(all[2])}
	if output == "json" {
		return json.NewEncoder(os.Stdout).Encode(found)
	}
	return found.print(os.Stdout)
}

// median returns the median of each figure; the zero Cost of none.
func median(costs []Cost) Cost {
	pick := func(figure func(Cost) float64) float64 {
		if len(costs) == 0 {
			return 0
		}
		var all []float64
		for _, c := range costs {
			all = append(all, figure(c))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return Cost{
		Each:   pick(func(c Cost) float64 { return c.Each }),
		Others: pick(func(c Cost) float64 { return c.Others }),
		CPU:    pick(func(c Cost) float64 { return c.CPU }),
	}
}
