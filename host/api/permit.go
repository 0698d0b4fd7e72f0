package api

import (
	"context"
	"fmt"
	"os"
	"path"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// ReasonNotTrusted is the reason in the google.rpc.ErrorInfo of calls that only root and
// the node's own user may make.
const ReasonNotTrusted = "NOT_TRUSTED"

// forEverybody are the methods for all who may connect to the socket. They read, or carry
// commands that operators have signed. Every other method is for root and for the node's
// own user.
func forEverybody(method string) bool {
	switch method {
	case hostv1.Host_GetSnapshot_FullMethodName, hostv1.Host_WatchSnapshots_FullMethodName,
		hostv1.Host_TailAudit_FullMethodName, hostv1.Host_TailLogs_FullMethodName,
		hostv1.Host_TailFailures_FullMethodName, hostv1.Host_TailActions_FullMethodName,
		hostv1.Host_DescribePlugin_FullMethodName, hostv1.Host_Explain_FullMethodName, hostv1.Host_Simulate_FullMethodName,
		hostv1.Host_ListOperators_FullMethodName, hostv1.Host_ListChains_FullMethodName:
		return true
	case hostv1.Host_Publish_FullMethodName, hostv1.Host_Commit_FullMethodName:
		return true // which judge what they are given
	}
	return false
}

// trusted reports whether a caller may do everything: root, the node's own user, and who
// did not come through the socket. Others come by node.socket_group.
func trusted(ctx context.Context) bool {
	c, ok := CallerFrom(ctx)
	return !ok || c.UID == 0 || c.UID == uint32(os.Geteuid())
}

// refuseStranger returns the error of a call that only root and the node's own user may
// make, and reports it.
func (s *Service) refuseStranger(ctx context.Context, what string) error {
	c, _ := CallerFrom(ctx)
	may := "may read and send signed commands"
	if !s.opts.Verified {
		may = "may only read: the node has no operators, so it can't verify commands"
	}
	message := fmt.Sprintf("%s is for root and for the user who runs the node (uid %d); uid %d %s", what, os.Geteuid(), c.UID, may)
	s.refusals.call(fmt.Sprintf("uid %d", c.UID), message)
	answer := status.New(codes.PermissionDenied, message)
	if detailed, err := answer.WithDetails(&errdetails.ErrorInfo{Reason: ReasonNotTrusted, Domain: "meshos"}); err == nil {
		answer = detailed
	}
	return answer.Err()
}

// refuseUnsigned refuses what nobody has signed, unless the caller is trusted.
func (s *Service) refuseUnsigned(ctx context.Context, what string) error {
	if trusted(ctx) {
		return nil
	}
	return s.refuseStranger(ctx, what)
}

// refuseUnverified refuses commands on a node that verifies no signatures, unless the
// caller is trusted.
func (s *Service) refuseUnverified(ctx context.Context) error {
	if trusted(ctx) || s.opts.Verified {
		return nil
	}
	return s.refuseStranger(ctx, "a command")
}

func (s *Service) permitUnary(ctx context.Context, in any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if !forEverybody(info.FullMethod) && !trusted(ctx) {
		return nil, s.refuseStranger(ctx, path.Base(info.FullMethod))
	}
	return handler(ctx, in)
}

func (s *Service) permitStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if !forEverybody(info.FullMethod) && !trusted(stream.Context()) {
		return s.refuseStranger(stream.Context(), path.Base(info.FullMethod))
	}
	return handler(srv, stream)
}
