package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newNodesCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "Show the nodes of the mesh",
		Long: `Shows the members of the mesh as this node knows them: those with trouble first. A node's
state, version, load, chains and daemons are its own word, which it says at changes; the
round-trip time is measured from here. HEIGHT is the last order of the mesh that a node has
folded. HEARD says since when a node that is gone was not heard of.

With --node another node is asked how it sees the others.`,
		Example: `  meshos nodes
  meshos nodes -w
  meshos --node bravo nodes
  meshos nodes -o json | jq '.[] | select(.member.gone) | .name'`,
		Args: cobra.NoArgs,
	}
	output, wide := addOutput(cmd), addWide(cmd)
	watch := cmd.Flags().BoolP("watch", "w", false, "continue with each newer state")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		s, err := node.snapshot(cmd.Context())
		if err != nil {
			return err
		}
		p := a.pagePrinter(*wide)
		switch {
		case !*watch:
			return a.showNodes(s, *output, p)
		case *output == outputTable && terminal(a.out) && terminal(a.in):
			return a.watchScreen(cmd.Context(), node, *wide, func(_ context.Context, s *meshosv1.Snapshot, p view.Printer) pageShown { return nodesPage(s, p) })
		}
		return a.whileRead(cmd.Context(), func(ctx context.Context) error {
			return follow(ctx, a.newFollower(node), node.watchAll, documents(func(s *meshosv1.Snapshot) error { return a.showNodes(s, *output, p) }))
		})
	}
	return cmd
}

// nodesPage returns what the pager shows of the nodes.
func nodesPage(s *meshosv1.Snapshot, p view.Printer) pageShown {
	return pageShown{of: func(width int, _ bool) (colored, plain string) {
		printer := p
		if p.Width != view.Unlimited {
			printer.Width = width
		}
		bare := printer
		bare.Color = false
		return printer.NodeTable(s), bare.NodeTable(s)
	}}
}

// showNodes prints the nodes once: as a table, or as one line with a list.
func (a *app) showNodes(s *meshosv1.Snapshot, output outputFlag, p view.Printer) error {
	if output == outputTable {
		_, err := fmt.Fprint(a.out, p.NodeTable(s))
		return err
	}
	list := []json.RawMessage{}
	for _, node := range view.Nodes(s) {
		raw, err := view.MarshalJSON(node)
		if err != nil {
			return fmt.Errorf("print as JSON: %w", err)
		}
		list = append(list, raw)
	}
	return json.NewEncoder(a.out).Encode(list)
}
