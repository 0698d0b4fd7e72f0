package api

import (
	"context"
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Commit passes a signed command on and answers with its audit record once that is on
// disk. A rejected command is not an error: its record says why. If the client goes away
// meanwhile, the audit log still has the record.
func (s *Service) Commit(ctx context.Context, in *hostv1.CommitRequest) (*meshosv1.AdminAuditRecord, error) {
	if (in.GetCommit() == nil) == (in.GetRecovery() == nil) {
		return nil, status.Error(codes.InvalidArgument, "commit: must be set, or recovery instead of it")
	}
	if err := s.refuseUnverified(ctx); err != nil {
		return nil, err
	}
	record, err := s.order(ctx, in)
	if err != nil {
		return nil, commitError(ctx, err)
	}
	if s.opts.Durable != nil {
		if err := s.opts.Durable(ctx, mesh.ChainAudit, record.Seq); err != nil {
			if ctx.Err() != nil {
				return nil, status.FromContextError(ctx.Err()).Err()
			}
			return nil, status.Errorf(codes.DataLoss, "the command was judged (audit record %d), but its record is not on disk: %v", record.Seq, err)
		}
	}
	s.noteAnswered(record.Seq)
	latest := s.opts.Reader.Latest()
	return originOf(latest).Audit(record, record.Seq > latest.Acknowledged.Audit), nil
}

func (s *Service) order(ctx context.Context, in *hostv1.CommitRequest) (mesh.AuditRecord, error) {
	if r := in.GetRecovery(); r != nil {
		return s.opts.Intake.Recover(ctx, wire.Recovery{Signed: r})
	}
	return s.opts.Intake.Commit(ctx, wire.Signed{Payload: in.GetCommit().GetPayload(), Signatures: in.GetCommit().GetSignatures()})
}

// ReasonOrderUnknown is the reason in the details of an error of Commit or Publish: it is not known whether
// the log of the mesh took the command.
const ReasonOrderUnknown = "ORDER_UNKNOWN"

func commitError(caller context.Context, err error) error {
	if caller.Err() != nil {
		return status.FromContextError(caller.Err()).Err()
	}
	if unknown := orderUnknown(err); unknown != nil {
		return unknown.Err()
	}
	return status.Errorf(codes.Unavailable, "%v; look in the audit log whether the command was accepted before you sign a new one", err)
}

// orderUnknown returns the status for an order of which it is not known whether the log of the
// mesh took it; nil for another error.
func orderUnknown(err error) *status.Status {
	var unknown interface{ OrderUnknown() }
	if !errors.As(err, &unknown) {
		return nil
	}
	answer := status.New(codes.DeadlineExceeded, err.Error())
	if detailed, err := answer.WithDetails(&errdetails.ErrorInfo{Reason: ReasonOrderUnknown, Domain: "meshos"}); err == nil {
		answer = detailed
	}
	return answer
}

// ListOperators implements hostv1.HostServer.
func (s *Service) ListOperators(_ context.Context, in *hostv1.ListOperatorsRequest) (*hostv1.ListOperatorsResponse, error) {
	out, latest := s.opts.Operators(in.GetCompare()), s.opts.Reader.Latest()
	out.Node = uint64(latest.Node)
	if latest.Info != nil {
		out.Name = latest.Info.Name
	}
	return out, nil
}
