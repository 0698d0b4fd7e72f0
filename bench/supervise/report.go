package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Found is what all runs found: medians, and zeros for what is missing.
type Found struct {
	Daemons int  `json:"daemons"`
	Runit   Cost `json:"runit"`
	Node    Cost `json:"node"`
	Idle    Cost `json:"node_without_daemons"`
}

// print prints the table. A figure that is missing is a dash, and so are its ratios.
func (f Found) print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "%d DAEMONS\tUNIT\tMESHOS\tRUNIT\tRATIO\n", f.Daemons)
	line := func(what, unit string, ours, theirs float64) {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", what, unit, figure(ours), figure(theirs), ratio(ours, theirs))
	}
	all := float64(f.Daemons) / 1024
	line("private memory of a shim, of a runsv", "kB", f.Node.Each, f.Runit.Each)
	line("of all of them", "MB", f.Node.Each*all, f.Runit.Each*all)
	line("of the node and its watcher, of runsvdir", "MB", f.Node.Others/1024, f.Runit.Others/1024)
	line("of a node without daemons", "MB", f.Idle.Others/1024, 0)
	line("CPU to start all", "s", f.Node.CPU, f.Runit.CPU)
	line("CPU to start a node without daemons", "s", f.Idle.CPU, 0)
	return w.Flush()
}

func figure(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g", v)
}

func ratio(ours, theirs float64) string {
	if ours == 0 || theirs == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", ours/theirs)
}
