package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/internal/guard"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

const (
	// MaxRequest is the largest message that the service accepts, in bytes.
	MaxRequest = 4 << 20
	// MaxAnswer is the largest message that the service sends, in bytes: what clients of gRPC
	// take unless they are told otherwise.
	MaxAnswer = 4 << 20

	// callsPerClient is how many calls of one connection may be under way. More have to wait
	// until one ends.
	callsPerClient = 128
	// idleAfter is how long a connection without a call is kept open. gRPC clients open a
	// new one for their next call by themselves.
	idleAfter = time.Minute

	// stopWithin is how long calls may take to finish when the node ends.
	stopWithin = 500 * time.Millisecond
)

// Serve answers on the socket until ctx is done, and opens it again when its file is
// deleted. Then it ends streams, lets calls finish for a moment, and closes the socket. It
// must be called once only. The error is nil if ctx ended it. If a handler panics, its call
// fails, and onPanic is called if it is not nil.
func (s *Service) Serve(ctx context.Context, ln *Socket, onPanic func(method string, panicked *guard.PanicError)) error {
	panics := panicInterceptor{onPanic: onPanic}
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(MaxRequest),
		grpc.MaxSendMsgSize(MaxAnswer),
		grpc.MaxConcurrentStreams(callsPerClient),
		grpc.ForceServerCodecV2(newCodec()),
		grpc.Creds(kernelCredentials{}),
		grpc.InTapHandle(refuse),
		grpc.StatsHandler(callCounter{}),
		grpc.ConnectionTimeout(2*time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: cmp.Or(s.opts.IdleAfter, idleAfter)}),
		grpc.ChainUnaryInterceptor(panics.unary, s.permitUnary, s.askUnary),
		grpc.ChainStreamInterceptor(panics.stream, s.permitStream, s.askStream),
	)
	hostv1.RegisterHostServer(server, s)
	ended := make(chan error, 1)
	go func() {
		ended <- server.Serve(&acceptor{Listener: ln, connections: newConnections(), origin: s.opts.Origin, onRefused: s.refusals.connection})
	}()
	watched := make(chan struct{})
	watching, stopWatching := context.WithCancel(ctx)
	go func() {
		defer close(watched)
		ln.watch(watching, cmp.Or(s.opts.WatchEvery, watchEvery), s.refusals.socket)
	}()
	defer func() {
		stopWatching()
		<-watched
	}()
	select {
	case err := <-ended:
		server.Stop()
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	s.stop()
	late := time.AfterFunc(stopWithin, server.Stop)
	defer late.Stop()
	server.GracefulStop()
	if err := <-ended; err != nil && !errors.Is(err, grpc.ErrServerStopped) { // ErrServerStopped: ctx ended before Serve began
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	}
	return nil
}

// panicInterceptor turns a panic of one call into an error of that call.
type panicInterceptor struct {
	onPanic func(method string, panicked *guard.PanicError)
}

func (p panicInterceptor) call(method string, handler func() error) error {
	err := guard.Call(handler)
	var panicked *guard.PanicError
	if !errors.As(err, &panicked) {
		return err
	}
	if p.onPanic != nil {
		p.onPanic(method, panicked)
	}
	return status.Errorf(codes.Internal, "%s failed inside the node; its log says where", method)
}

func (p panicInterceptor) unary(ctx context.Context, in any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (out any, err error) {
	err = p.call(info.FullMethod, func() (err error) { out, err = handler(ctx, in); return err })
	return out, err
}

func (p panicInterceptor) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return p.call(info.FullMethod, func() error { return handler(srv, stream) })
}
