package pluginsdk

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/internal/guard"
	"github.com/meshos/meshos/pluginsdk/wire"
)

// shutdownMethod is how go-plugin's client asks a plugin to end.
const shutdownMethod = "/plugin.GRPCController/Shutdown"

// maxErrorText keeps an error within what HTTP/2 headers carry everywhere.
const maxErrorText = 4 << 10

// guarded runs an author's code: a panic becomes an error, and its stack goes to the log.
func guarded(what string, log hclog.Logger, f func() error) error {
	err := guard.Call(f)
	//nolint:errorlint // only the panic of this very call
	if caught, ok := err.(*guard.PanicError); ok {
		log.Error("panic in the plugin", "in", what, "panic", caught.Value, "at", caught.Place, "stack", string(caught.Stack))
		return withCode(codes.Internal, fmt.Errorf("panic in %s: %s (its stack is in the plugin's log)", what, caught.Value), 0)
	}
	return err
}

// unary wraps every call: panics, deadlines, limits.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	name := path.Base(info.FullMethod)
	if info.FullMethod == shutdownMethod {
		s.closeWithin(shutdownGrace) // before go-plugin cuts every call
	}
	if s.endless {
		ctx = context.WithoutCancel(ctx)
	} else {
		var cancel context.CancelFunc
		ctx, cancel = untilCallerLeaves(ctx)
		defer cancel()
	}
	var resp any
	err := guarded(name, s.log, func() (err error) {
		resp, err = next(ctx, req)
		return err
	})
	if err != nil {
		return nil, bounded(err)
	}
	if m, ok := resp.(proto.Message); ok {
		if err := fits(name, m); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// stream wraps every stream.
func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, cancel := context.WithCancel(ss.Context())
	defer cancel()
	defer context.AfterFunc(s.ended, cancel)()
	ss = &endingStream{ServerStream: ss, ctx: ctx}
	return bounded(guarded(path.Base(info.FullMethod), s.log, func() error { return next(srv, ss) }))
}

// endingStream is a stream whose context also ends with the server.
type endingStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context is the stream's.
func (e *endingStream) Context() context.Context { return e.ctx }

// fits refuses what the host would not take.
func fits(name string, m proto.Message) error {
	if size := proto.Size(m); size > wire.MaxMessage {
		return status.Errorf(codes.ResourceExhausted,
			"the answer of %s has %d bytes, over the limit of %d: answer with less at a time", name, size, wire.MaxMessage)
	}
	return nil
}

// bounded makes a text fit for a header; code and details stay.
func bounded(err error) error {
	if err == nil {
		return nil
	}
	st, ok := status.FromError(err)
	if !ok {
		st = status.FromContextError(err)
	}
	p := st.Proto()
	if len(p.GetMessage()) > maxErrorText {
		p.Message = strings.ToValidUTF8(p.GetMessage()[:maxErrorText], "") + " … (cut)"
	}
	p.Message = strings.ToValidUTF8(p.GetMessage(), "\uFFFD") // other text can't travel
	return status.ErrorProto(p)
}

// closeWithin is Close with a time, for those who can only log its error.
func (s *Server) closeWithin(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		s.log.Warn("ending in a hurry", "error", err)
	}
}
