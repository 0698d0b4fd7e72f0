package main

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
)

func newAuditExportCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "export [DIR]",
		Short: "Print all audit records on disk as JSON",
		Long: `Prints all audit records in DIR, oldest first, each as one line of the contract's
JSON, which every implementation of protobuf reads back (so bytes are base64). DIR is a folder as for audit verify. Damaged records are not printed: a warning
names each damage, and the exit code is 1. A warning also tells how many records were
lost before they could be written.`,
		Example: `  meshos audit export > audit.jsonl
  meshos audit export /mnt/backup/records | jq -r .outcome.verdict | sort | uniq -c`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, chains, err := a.recordDirs(args)
			if err != nil {
				return err
			}
			for _, c := range chains {
				if c.name != "audit" {
					continue
				}
				cursors, unread := readCursors(dir, chains)
				if unread != nil {
					a.warnOfCursors(unread)
				}
				ends := newCursorCheck(c, cursors)
				report, err := a.export(c, ends)
				if err != nil {
					return err
				}
				for _, d := range report.Damage {
					_, _ = fmt.Fprintf(a.err, "warning: %s\n", view.Plain(d.Error()))
				}
				for _, why := range ends.bad {
					_, _ = fmt.Fprintf(a.err, "warning: %s\n", view.Plain(why))
				}
				for _, what := range ends.copied {
					_, _ = fmt.Fprintf(a.err, "warning: this folder was copied while the node wrote: %s\n", view.Plain(what))
				}
				if report.Missing > 0 {
					_, _ = fmt.Fprintf(a.err, "warning: %s lost before they could be written\n", view.Counted(int(report.Missing), "record"))
				}
				if len(report.Damage)+len(ends.bad) > 0 {
					return fmt.Errorf("%s is damaged; only the intact records were printed", dir)
				}
				return nil
			}
			return fmt.Errorf("%s has no audit records", dir)
		},
	}
}

func (a *app) export(c chainDir, ends *cursorCheck) (durable.Report, error) {
	out := bufio.NewWriter(a.out)
	var failed error
	report, err := durable.Walk(c.fs, c.name, func(e segment.Entry, number uint64) error {
		ends.see(e, number)
		if e.Kind != segment.KindRecord || failed != nil {
			return nil
		}
		record, err := records.Decode(c.name, e)
		if err != nil {
			return err
		}
		failed = view.ContractJSON(out, record.GetAudit())
		return nil
	})
	ends.end(report)
	if err == nil {
		err = failed
	}
	if err == nil {
		err = out.Flush()
	}
	return report, err
}
