package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"time"

	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

const (
	// MaxRequest is the largest message that the service takes.
	MaxRequest = 4 << 20
	// MaxAnswer is the largest message that it gives.
	MaxAnswer = 64 << 20

	// What a crowd of clients may have open at once. More connections wait for one to
	// end, more calls of one connection for one of its own.
	maxClients     = 512
	callsPerClient = 128
	// idleAfter is how long a client may keep a connection on which it asks nothing. One
	// that asks again makes a new one, without a word.
	idleAfter = time.Minute

	stopWithin = 500 * time.Millisecond // of what a node may take to end
)

// Serve answers on ln until ctx is done, then ends streams, gives calls a moment
// to finish and closes ln. It serves once. The error is nil after a stop that was
// asked for; onPanic, if set, is told of handlers that panicked.
func (s *Service) Serve(ctx context.Context, ln net.Listener, onPanic func(method string, value any, stack []byte)) error {
	guard := guard{onPanic: onPanic}
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(MaxRequest),
		grpc.MaxSendMsgSize(MaxAnswer),
		grpc.MaxConcurrentStreams(callsPerClient),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.ConnectionTimeout(2*time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: cmp.Or(s.opts.IdleAfter, idleAfter)}),
		grpc.UnaryInterceptor(guard.unary),
		grpc.StreamInterceptor(guard.stream),
	)
	hostv1.RegisterHostServer(server, s)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(netutil.LimitListener(ln, maxClients)) }()
	select {
	case err := <-ended:
		server.Stop()
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	close(s.stopping)
	late := time.AfterFunc(stopWithin, server.Stop)
	defer late.Stop()
	server.GracefulStop()
	if err := <-ended; err != nil && !errors.Is(err, grpc.ErrServerStopped) { // stopped before it began
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	}
	return nil
}

// guard turns a panic of one call into an error of that call.
type guard struct {
	onPanic func(method string, value any, stack []byte)
}

func (g guard) caught(method string, err *error) {
	value := recover()
	if value == nil {
		return
	}
	if g.onPanic != nil {
		g.onPanic(method, value, debug.Stack())
	}
	*err = status.Errorf(codes.Internal, "%s failed inside the node; its log says where", method)
}

func (g guard) unary(ctx context.Context, in any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (out any, err error) {
	defer g.caught(info.FullMethod, &err)
	return handler(ctx, in)
}

func (g guard) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer g.caught(info.FullMethod, &err)
	return handler(srv, stream)
}
