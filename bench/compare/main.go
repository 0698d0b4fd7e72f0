package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
)

func main() {
	names := flag.String("row", "", "only these rows, separated by commas")
	rounds := flag.Int("rounds", 3, "how often each row is measured")
	output := flag.String("o", "table", "table or json")
	bin := flag.String("bin", "bin", "the folder of the built binaries (make build)")
	flag.Usage = func() {
		_, _ = fmt.Fprintf(flag.CommandLine.Output(), "Usage: compare [flags]\n\nRows:\n")
		for _, r := range rows() {
			_, _ = fmt.Fprintf(flag.CommandLine.Output(), "  %-12s %s\n", r.name, r.what)
		}
		_, _ = fmt.Fprintf(flag.CommandLine.Output(), "\nFlags:\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := compare(ctx, *names, *rounds, *output, *bin); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func compare(ctx context.Context, names string, rounds int, output, bin string) error {
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	if output != "table" && output != "json" {
		return fmt.Errorf("-o is table or json, not %q", output)
	}
	if rounds < 1 {
		return fmt.Errorf("-rounds is %d; it takes at least one", rounds)
	}
	b, err := newBench(ctx, bin)
	if err != nil {
		return err
	}
	defer b.close()
	var results []result
	for _, r := range chosen {
		fmt.Fprintf(os.Stderr, "%s: %s\n", r.name, r.what)
		results = append(results, r.measure(ctx, b, rounds))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if output == "json" {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(results)
	}
	return print(results)
}

func choose(names string) ([]row, error) {
	all := rows()
	if names == "" {
		return all, nil
	}
	var out []row
	for _, name := range strings.Split(names, ",") {
		i := slices.IndexFunc(all, func(r row) bool { return r.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no row %q; see compare -h", name)
		}
		out = append(out, all[i])
	}
	return out, nil
}

func print(results []result) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ROW\tFIGURE\tMESHOS\tPEER\tTHAT IS\tRATIO\tWANTED")
	for _, r := range results {
		if r.Missing != "" {
			_, _ = fmt.Fprintf(table, "%s\tnot measured: %s\n", r.Row, r.Missing)
			continue
		}
		for _, f := range r.Figures {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%.4g %s\t%.4g %s\t%s\t%.2f\t%s\n",
				r.Row, f.Name, f.Ours, f.Unit, f.Peer, f.Unit, r.Peer, f.Ratio, f.Wanted)
		}
	}
	return table.Flush()
}
