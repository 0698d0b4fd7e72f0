package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newAuditTailCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Show the audit records of a running node",
		Long: `Shows what operators commanded: the newest 256 records, or with --since all from
then on, also those of earlier runs of the node. With --follow it goes on with new
ones until it is interrupted. "not durable" behind a record says that it is not yet
on disk and with every appender. Lost records leave a line that says how many.`,
		Example: `  meshos audit tail
  meshos audit tail -f --since 2h
  meshos audit tail --since 2026-01-31T08:00:00Z -o json | jq -c .event`,
		Args: cobra.NoArgs,
	}
	output := addOutput(cmd)
	follow := cmd.Flags().BoolP("follow", "f", false, "go on with new records")
	since := cmd.Flags().String("since", "", "from then on: a span such as 2h, a time such as 2026-01-31T08:00:00Z, or all")
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
		show := &auditPrinter{a: a, json: *output == outputJSON, paint: paint(a.colour(a.out))}
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

// sinceTime reads a span before now, or a time.
func sinceTime(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("--since %q: want a span such as 2h, a time such as 2026-01-31T08:00:00Z, or all", text)
}

// auditPrinter prints audit records, and says where some are missing.
type auditPrinter struct {
	a     *app
	json  bool
	paint paint
	epoch uint64
	seq   uint64
}

func (p *auditPrinter) print(r *meshosv1.AdminAuditRecord) error {
	missing := uint64(0)
	switch {
	case r.GetEpoch() == p.epoch && r.GetSeq() > p.seq:
		missing = r.GetSeq() - p.seq - 1
	case r.GetEpoch() != p.epoch && p.epoch != 0 && r.GetSeq() > 0: // a later run, which began with record 1
		missing = r.GetSeq() - 1
	}
	p.epoch, p.seq = r.GetEpoch(), r.GetSeq()
	if missing > 0 {
		if _, err := fmt.Fprintf(p.a.err, "warning: %s missing here\n", counted(int(missing), "record")); err != nil {
			return err
		}
	}
	if p.json {
		return writeJSON(p.a.out, r, true)
	}
	if c := r.GetSignerChange(); c != nil {
		_, err := fmt.Fprintf(p.a.out, "%s #%d %s %s%s\n", p.paint.in(faint, dateAndTime(r.GetCommittedAt(), p.a.zone)), r.GetSeq(),
			p.paint.in(warning, fmt.Sprintf("%-10s", "signers")), plain(c.GetText()), durability(r))
		return err
	}
	words, err := auditWords(r)
	if err != nil {
		return err
	}
	verdict := enumWord(r.GetOutcome().GetVerdict().String(), "VERDICT_")
	_, err = fmt.Fprintf(p.a.out, "%s #%d %s %s\n", p.paint.in(faint, dateAndTime(r.GetCommittedAt(), p.a.zone)), r.GetSeq(),
		p.paint.in(verdictStyle(r.GetOutcome().GetVerdict()), fmt.Sprintf("%-10s", verdict)), words)
	return err
}

func verdictStyle(v meshosv1.VerificationOutcome_Verdict) style {
	switch v {
	case meshosv1.VerificationOutcome_VERDICT_ACCEPTED:
		return good
	case meshosv1.VerificationOutcome_VERDICT_REJECTED:
		return bad
	}
	return warning
}

// auditWords gives who commanded what, and why it was refused.
func auditWords(r *meshosv1.AdminAuditRecord) (string, error) {
	event, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(r.GetEvent())
	if err != nil {
		return "", fmt.Errorf("audit record %d: %w", r.GetSeq(), err)
	}
	var who []string
	for _, o := range r.GetOperators() {
		name := o.GetName()
		if name == "" {
			name = o.GetKeyId()
		}
		if !o.GetVerified() {
			name += " (claimed)"
		}
		who = append(who, plain(name))
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, event); err != nil {
		return "", fmt.Errorf("audit record %d: %w", r.GetSeq(), err)
	}
	words := orDash(strings.Join(who, ", ")) + ": " + plain(compact.String())
	if kind := r.GetOutcome().GetKind(); kind != "" {
		words += " — " + plain(kind) + ": " + plain(r.GetOutcome().GetMessage())
	}
	return words + durability(r), nil
}

func durability(r *meshosv1.AdminAuditRecord) string {
	if r.GetChainPending() {
		return " (not durable)"
	}
	return ""
}

// dateAndTime gives a moment with its day, here.
func dateAndTime(t *timestamppb.Timestamp, zone *time.Location) string {
	if t == nil {
		return "-"
	}
	return t.AsTime().In(zone).Format("2006-01-02 15:04:05.000")
}
