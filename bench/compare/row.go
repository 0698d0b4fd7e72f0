package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
)

// row is one comparison.
type row struct {
	name, what, peer string
	tools            []tool
	root             bool // it can't be measured without being root
	round            func(context.Context, *bench) ([]figure, error)
}

// tool is a program that a row needs, with the Debian package that has it.
type tool struct{ program, pack string }

// figure is what one round, or all of them, found.
type figure struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Ours   float64 `json:"meshos"`
	Peer   float64 `json:"peer"`
	Ratio  float64 `json:"ratio"` // the median of the rounds' ratios
	Wanted string  `json:"wanted"`
}

// result is what was found in all rounds of a row.
type result struct {
	Row     string   `json:"row"`
	What    string   `json:"what"`
	Peer    string   `json:"peer"`
	Missing string   `json:"missing,omitempty"` // why it was not measured
	Figures []figure `json:"figures,omitempty"`
}

func rows() []row {
	return []row{echoes(), checks(), scrapes(), inventories(), dials(), starts(), calls(), daemons()}
}

// measure measures a row. What goes wrong is in the result, so that other rows are measured.
func (r row) measure(ctx context.Context, b *bench, rounds int) result {
	out := result{Row: r.name, What: r.what, Peer: r.peer}
	if err := r.lacks(); err != nil {
		out.Missing = err.Error()
		return out
	}
	var all [][]figure
	for n := range rounds {
		figures, err := r.round(ctx, b)
		if err != nil {
			out.Missing = fmt.Sprintf("round %d: %v", n+1, err)
			return out
		}
		for _, f := range figures {
			fmt.Fprintf(os.Stderr, "  round %d: %s: %.4g and %.4g %s\n", n+1, f.Name, f.Ours, f.Peer, f.Unit)
		}
		all = append(all, figures)
	}
	for i := range all[0] {
		out.Figures = append(out.Figures, middle(all, i))
	}
	return out
}

// lacks returns what the machine lacks to measure a row.
func (r row) lacks() error {
	if r.root && os.Geteuid() != 0 {
		return errors.New("it has to be run as root")
	}
	for _, t := range r.tools {
		if _, err := exec.LookPath(t.program); err != nil {
			return fmt.Errorf("%s is not installed (Debian has it in the package %s)", t.program, t.pack)
		}
	}
	return nil
}

// middle returns the medians of figure i over the rounds.
func middle(rounds [][]figure, i int) figure {
	out := rounds[0][i]
	var ours, peer, ratio []float64
	for _, figures := range rounds {
		f := figures[i]
		ours, peer, ratio = append(ours, f.Ours), append(peer, f.Peer), append(ratio, f.Ours/f.Peer)
	}
	out.Ours, out.Peer, out.Ratio = median(ours), median(peer), median(ratio)
	return out
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile returns the value below which a share of the values is; 0 for none.
func quantile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}
