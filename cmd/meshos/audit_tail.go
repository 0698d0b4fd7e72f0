package main

import (
	"github.com/spf13/cobra"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newAuditTailCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Show the commands of operators, and the node's verdicts",
		Long: `Shows the commands of operators and the node's verdicts. They are read from disk, so
those of earlier runs of the node are among them. Without --since, --until and -n the
newest 256 are shown. With --follow it continues with new records until it is
interrupted, also when the node is started again meanwhile.

"not durable" after a record means that the record is not yet on disk, or not yet
stored by every appender. A warning shows where records are missing, and how many; not
with --since or --until, since these leave records out wherever the clock was set back.
"meshos audit verify" finds what is missing on disk.

` + aboutTimes,
		Example: `  meshos audit tail
  meshos audit tail -f --since 2h
  meshos audit tail --since 2026-11-23 --until "2026-11-24 14:02"
  meshos audit tail --dir /mnt/backup
  meshos audit tail --since all -o json | jq -c .event`,
		Args: cobra.NoArgs,
	}
	h := addHistory(cmd, "commands", 256)
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
		return showHistory[meshosv1.AdminAuditRecord](cmd.Context(), a, node, h, in, chain[meshosv1.AdminAuditRecord]{
			name: "audit", tail: hostv1.HostClient.TailAudit, stored: (*meshosv1.Record).GetAudit, at: (*meshosv1.AdminAuditRecord).GetCommittedAt,
			line: func(r *meshosv1.AdminAuditRecord) (string, error) { return printer.AuditRecord(r), nil },
		})
	}
	return cmd
}
