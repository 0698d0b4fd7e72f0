package main

import (
	"github.com/spf13/cobra"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newFailuresCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "failures",
		Short: "Show failure records: what went wrong, and where",
		Long: `Shows failure records: the source of each failure and its reason. They are read from
disk, so those of earlier runs of the node are among them. Without --since, --until and
-n the newest 256 are shown. With --follow it continues with new records until it is
interrupted, also when the node is started again meanwhile.

` + aboutTimes,
		Example: `  meshos failures
  meshos failures -f
  meshos failures --since 7d
  meshos failures --since 2026-11-23 --until "2026-11-23 14:02"
  meshos failures -o json | jq -r .source | sort | uniq -c`,
		Args: cobra.NoArgs,
	}
	h := addHistory(cmd, "failures", 256)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		in, err := h.request(cmd, a)
		if err != nil {
			return err
		}
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		printer := a.printer(a.out)
		return showHistory[meshosv1.FailureRecord](cmd.Context(), a, node, h, in, chain[meshosv1.FailureRecord]{
			name: "failure", tail: hostv1.HostClient.TailFailures, stored: (*meshosv1.Record).GetFailure, at: (*meshosv1.FailureRecord).GetAt,
			line: func(r *meshosv1.FailureRecord) (string, error) { return printer.FailureRecord(r, a.now()), nil },
		})
	}
	return cmd
}
