package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newAuditTailCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Show the audit records of a running node",
		Long: `Shows the commands of operators and the node's verdicts: the newest 256 records, or
with --since all records since a time, including those of earlier runs of the node.
With --follow it continues with new records until it is interrupted.

"not durable" after a record means that the record is not yet on disk, or not yet
stored by every appender. A warning shows where records are missing, and how many.`,
		Example: `  meshos audit tail
  meshos audit tail -f --since 2h
  meshos audit tail --since 2026-01-31T08:00:00Z -o json | jq -c .event`,
		Args: cobra.NoArgs,
	}
	output := addOutput(cmd)
	follow := cmd.Flags().BoolP("follow", "f", false, "continue with new records")
	since := cmd.Flags().String("since", "", "show records since this `TIME`: a duration such as 2h, a time such as 2026-01-31T08:00:00Z, or all")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		in := &hostv1.TailRequest{Follow: *follow}
		if *since != "" && *since != "all" {
			from, err := sinceTime(*since, a.now())
			if err != nil {
				return &usageError{err: err, help: cmd.CommandPath() + " --help"}
			}
			in.Since = timestamppb.New(from)
		}
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		show := &auditPrinter{a: a, json: *output == outputJSON}
		if *since != "" {
			return node.tailAudit(cmd.Context(), in, show.print)
		}
		snapshot, err := node.snapshot(cmd.Context())
		if err != nil {
			return err
		}
		return tail(cmd.Context(), tailing[meshosv1.AdminAuditRecord]{
			epoch: snapshot.GetEpoch(), ring: snapshot.GetAdminAudit(), follow: *follow,
			seq:    (*meshosv1.AdminAuditRecord).GetSeq,
			wanted: func(*meshosv1.AdminAuditRecord) bool { return true }, show: show.print,
			newer: node.tailAudit,
		})
	}
	return cmd
}

func (n *nodeClient) tailAudit(ctx context.Context, in *hostv1.TailRequest, visit func(*meshosv1.AdminAuditRecord) error) error {
	stream, err := n.TailAudit(ctx, in)
	return receive(ctx, n, stream, err, visit)
}

// sinceTime reads the value of --since: a time, or a duration before now.
func sinceTime(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("--since %q: want a duration such as 2h, a time such as 2026-01-31T08:00:00Z, or all", text)
}

// auditPrinter prints audit records, with warnings where some are missing.
type auditPrinter struct {
	a     *app
	json  bool
	epoch uint64
	seq   uint64
}

func (p *auditPrinter) print(r *meshosv1.AdminAuditRecord) error {
	missing := uint64(0)
	switch {
	case r.GetEpoch() == p.epoch && r.GetSeq() > p.seq:
		missing = r.GetSeq() - p.seq - 1
	case r.GetEpoch() != p.epoch && p.epoch != 0 && r.GetSeq() > 0: // a later run, whose first record was 1
		missing = r.GetSeq() - 1
	}
	p.epoch, p.seq = r.GetEpoch(), r.GetSeq()
	if missing > 0 {
		if _, err := fmt.Fprintf(p.a.err, "warning: %s missing here\n", view.Counted(int(missing), "record")); err != nil {
			return err
		}
	}
	if p.json {
		return view.JSON(p.a.out, r, true)
	}
	line, err := p.a.printer(p.a.out).AuditRecord(r)
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.a.out, line)
	return err
}
