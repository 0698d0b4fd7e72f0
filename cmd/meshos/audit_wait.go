package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newAuditWaitCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "wait ID",
		Short: "Wait until a command is in the audit log, and show its verdict",
		Long: `Waits for the audit record of the signed command with this commit id, of which it was not
known whether the log of the mesh took it. Exit code 0 if it counts, 4 if it was rejected,
and 5 if there is no record of it within --within.`,
		Example: "  meshos audit wait 3b1f… --within 1m",
		Args:    cobra.ExactArgs(1),
	}
	within := cmd.Flags().Duration("within", 30*time.Second, "how long to wait")
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := hex.DecodeString(args[0])
		if err != nil || len(id) == 0 {
			return &usageError{err: errors.New("want the commit id, in hexadecimal digits"), help: cmd.CommandPath() + " --help"}
		}
		if *within <= 0 {
			return &usageError{err: fmt.Errorf("--within: must be more than 0, is %v", *within), help: cmd.CommandPath() + " --help"}
		}
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		ctx, cancel := context.WithTimeout(cmd.Context(), *within)
		defer cancel()
		record, err := waitForRecord(ctx, node, id)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return &unknownError{reason: fmt.Sprintf("within %v the node has no record of the command %s: the same signed command, sent again, settles it", *within, args[0])}
		case err != nil:
			return err
		}
		if *output == outputJSON {
			err = view.JSON(a.out, record, false)
		} else {
			_, err = fmt.Fprintln(a.out, a.printer(a.out).AuditRecord(record))
		}
		if err == nil && record.GetOutcome().GetVerdict() == meshosv1.VerificationOutcome_VERDICT_REJECTED {
			return &rejectedError{reason: record.GetOutcome().GetMessage()}
		}
		return err
	}
	return cmd
}

// waitForRecord returns the newest audit record of a signed command, once there is one. The error
// is context.DeadlineExceeded if there is none within the deadline of ctx.
func waitForRecord(ctx context.Context, node *nodeClient, id []byte) (*meshosv1.AdminAuditRecord, error) {
	stream, err := node.TailAudit(ctx, &hostv1.TailRequest{Follow: true})
	for err == nil {
		var r *meshosv1.AdminAuditRecord
		if r, err = stream.Recv(); err == nil && bytes.Equal(r.GetCommitId(), id) {
			return r, nil
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case status.Code(err) == codes.DeadlineExceeded: // the node was quicker to notice
		return nil, context.DeadlineExceeded
	case errors.Is(err, io.EOF):
		return nil, &noAnswerError{path: node.path, reason: "the stream of records ended", hint: "the node has stopped; its log shows why"}
	}
	return nil, node.explain(err)
}
