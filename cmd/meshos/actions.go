package main

import (
	"github.com/spf13/cobra"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newActionsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "actions",
		Short: "Show what the node did, and how each action ended",
		Long: `Shows the records of actions: what the node did about daemons, chains and peers, when,
and how it ended. "gated" means that an action was not tried, since it was not allowed
then. The records are read from disk, so those of earlier runs of the node are among
them. Without --since, --until and -n the newest 256 are shown. With --follow it
continues with new records until it is interrupted, also when the node is started again
meanwhile. ` + "`meshos explain`" + ` shows why.

` + aboutTimes,
		Example: `  meshos actions
  meshos actions -f
  meshos actions --since "2026-11-23 02:00" --until "2026-11-23 03:00"
  meshos actions --since 7d -o json | jq -c 'select(.outcome != "OUTCOME_DISPATCHED")'`,
		Args: cobra.NoArgs,
	}
	h := addHistory(cmd, "actions", 256)
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
		return showHistory[meshosv1.ActionRecord](cmd.Context(), a, node, h, in, chain[meshosv1.ActionRecord]{
			name: "action", tail: hostv1.HostClient.TailActions, stored: (*meshosv1.Record).GetAction, at: (*meshosv1.ActionRecord).GetAt,
			line: func(r *meshosv1.ActionRecord) (string, error) { return printer.ActionRecord(r, a.now()), nil },
		})
	}
	return cmd
}
