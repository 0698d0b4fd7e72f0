package catalog

import (
	"context"
	"strings"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// stdioMethod is the stream by which go-plugin brings what a plugin prints.
const stdioMethod = "/plugin.GRPCStdio/StreamStdio"

// isNeeded reports whether the host needs a method of a plugin: those of the contract,
// the keepalive, and what the plugin prints. go-plugin's client would open its broker's
// stream as well, which starts a goroutine and keeps a channel for every message that
// the plugin sends.
func isNeeded(method string) bool {
	return strings.HasPrefix(method, "/meshos.plugin.v1.") ||
		method == grpc_health_v1.Health_Check_FullMethodName || method == stdioMethod
}

// refused is the error of a call that go-plugin's client makes and the host does not
// need. With this code, go-plugin takes the service for one that the plugin lacks.
func refused(method string) error {
	return status.Error(codes.Unimplemented, "this host does not use "+method)
}

// unaryMethods lets only those calls through that the host needs.
func unaryMethods(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if !isNeeded(method) {
		return refused(method)
	}
	return invoke(ctx, method, req, reply, cc, opts...)
}

// streamMethods lets only those streams through that the host needs, and paces what
// comes by go-plugin's.
func streamMethods(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if !isNeeded(method) {
		return nil, refused(method)
	}
	stream, err := open(ctx, desc, cc, method, opts...)
	if err == nil && method == stdioMethod {
		stream = &pacedStream{stream, rate.NewLimiter(stdioBytesPerSecond, stdioBytesAtOnce)}
	}
	return stream, err
}

// How much may come by go-plugin's stream of what a plugin prints, for long and at
// once. Each frame counts for frameCost bytes beside its own: go-plugin throws away
// frames without text and those of an unknown channel, and would read the next at once.
const (
	stdioBytesPerSecond = 4 << 20
	stdioBytesAtOnce    = 16 << 20
	frameCost           = 2 << 10
)

// pacedStream receives messages no faster than its limit.
type pacedStream struct {
	grpc.ClientStream
	limit *rate.Limiter
}

// RecvMsg implements grpc.ClientStream.
func (p *pacedStream) RecvMsg(m any) error {
	if err := p.ClientStream.RecvMsg(m); err != nil {
		return err
	}
	cost := frameCost
	if message, ok := m.(proto.Message); ok {
		cost += proto.Size(message)
	}
	return p.limit.WaitN(p.Context(), min(cost, stdioBytesAtOnce))
}
