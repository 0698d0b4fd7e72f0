package main

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newStatusCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the state of a node",
		Long: `Shows the node's newest snapshot: its maintenance state, its peers, daemons and
plugins, the peers that it avoids, its newest actions and failures.

With --watch it continues with each newer snapshot until it is interrupted. On a
terminal each snapshot replaces the one before; elsewhere it is appended. With -o json
it prints the contract's Snapshot, with --watch one in each line.`,
		Example: `  meshos status
  meshos status -w
  meshos status -o json | jq '.peers[] | {peer, rtt, health}'`,
		Args: cobra.NoArgs,
	}
	output := addOutput(cmd)
	watch := cmd.Flags().BoolP("watch", "w", false, "continue with each newer snapshot")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		snapshot, err := node.snapshot(cmd.Context())
		if err != nil {
			return err
		}
		screen := a.newScreen(*output, *watch)
		if !*watch {
			return screen.show(snapshot)
		}
		ctx, stop := context.WithCancel(cmd.Context())
		defer stop()
		stream, err := node.WatchSnapshots(ctx, &hostv1.WatchSnapshotsRequest{})
		return receive(ctx, node, stream, err, screen.show)
	}
	return cmd
}

// screen prints snapshots, one after the other or each in place of the one before.
type screen struct {
	out     io.Writer
	output  outputFlag
	watch   bool
	redraw  bool
	printer view.Printer
	now     func() time.Time
	shown   int
}

func (a *app) newScreen(output outputFlag, watch bool) *screen {
	return &screen{
		out: a.out, output: output, watch: watch,
		redraw:  watch && output == outputTable && terminal(a.out),
		printer: a.printer(a.out), now: a.now,
	}
}

func (s *screen) show(snapshot *meshosv1.Snapshot) error {
	s.shown++
	if s.output == outputJSON {
		return view.JSON(s.out, snapshot, s.watch)
	}
	page := s.printer.Status(snapshot, s.now())
	switch {
	case s.redraw:
		page = view.OnScreen(page, s.height())
	case s.shown > 1:
		page = "\n" + page
	}
	_, err := io.WriteString(s.out, page)
	return err
}

func (s *screen) height() int {
	if file, ok := s.out.(*os.File); ok {
		if _, height, err := term.GetSize(int(file.Fd())); err == nil {
			return height
		}
	}
	return 0
}
