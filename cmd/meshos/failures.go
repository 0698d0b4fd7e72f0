package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newFailuresCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "failures",
		Short: "Show failure records: what went wrong, and where",
		Long: `Shows the newest 256 failure records of the node: the source of each failure and its
reason. With --follow it continues with new records until it is interrupted.`,
		Example: `  meshos failures
  meshos failures -f
  meshos failures -o json | jq -r .source | sort | uniq -c`,
		Args: cobra.NoArgs,
	}
	output := addOutput(cmd)
	follow := cmd.Flags().BoolP("follow", "f", false, "continue with new records")
	lines := cmd.Flags().IntP("lines", "n", 0, "show only the `N` newest records; 0 for all")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *lines < 0 {
			return &usageError{err: fmt.Errorf("--lines: must not be negative, is %d", *lines), help: cmd.CommandPath() + " --help"}
		}
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		snapshot, err := node.snapshot(cmd.Context())
		if err != nil {
			return err
		}
		printer := a.printer(a.out)
		show := func(r *meshosv1.FailureRecord) error {
			if *output == outputJSON {
				return view.JSON(a.out, r, true)
			}
			_, err := io.WriteString(a.out, printer.FailureRecord(r))
			return err
		}
		return tail(cmd.Context(), tailing[meshosv1.FailureRecord]{
			epoch: snapshot.GetEpoch(), ring: snapshot.GetRecentFailures(), most: *lines, follow: *follow,
			seq: (*meshosv1.FailureRecord).GetSeq, wanted: func(*meshosv1.FailureRecord) bool { return true }, show: show,
			newer: func(ctx context.Context, in *hostv1.TailRequest, visit func(*meshosv1.FailureRecord) error) error {
				stream, err := node.TailFailures(ctx, in)
				return receive(ctx, node, stream, err, visit)
			},
		})
	}
	return cmd
}
