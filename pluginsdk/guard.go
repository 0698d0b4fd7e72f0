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

// shutdownMethod is the call by which go-plugin's client ends a plugin.
const shutdownMethod = "/plugin.GRPCController/Shutdown"

// maxErrorText limits the text of an error: it travels in an HTTP/2 header.
const maxErrorText = 4 << 10

// guarded runs an author's code. A panic becomes an error, and its stack goes to the log.
func guarded(what string, log hclog.Logger, f func() error) error {
	err := guard.Call(f)
	//nolint:errorlint // only the panic of this very call
	if caught, ok := err.(*guard.PanicError); ok {
		log.Error("panic in the plugin", "in", what, "panic", caught.Value, "at", caught.Place, "stack", string(caught.Stack))
		return withCode(codes.Internal, fmt.Errorf("panic in %s: %s (its stack is in the plugin's log)", what, caught.Value), 0)
	}
	return err
}

// unary is the interceptor of every call: it handles panics, deadlines and limits.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	name := path.Base(info.FullMethod)
	if info.FullMethod == shutdownMethod {
		s.closeWithin(shutdownGrace) // before go-plugin cuts every call
	}
	if s.noDeadlines {
		ctx = context.WithoutCancel(ctx)
	} else {
		var cancel context.CancelFunc
		ctx, cancel = withCallerTimeout(ctx)
		defer cancel()
	}
	var resp any
	err := guarded(name, s.log, func() (err error) {
		resp, err = next(ctx, req)
		return err
	})
	if err != nil {
		return nil, sendable(err)
	}
	if e := encodedOf(resp); e != nil {
		if err := checkSize(name, len(e)); err != nil {
			return nil, err
		}
		return e, nil
	}
	if m, ok := resp.(proto.Message); ok {
		if err := checkSize(name, proto.Size(m)); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// stream is the interceptor of every stream.
func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, cancel := context.WithCancel(ss.Context())
	defer cancel()
	defer context.AfterFunc(s.ended, cancel)()
	ss = &endingStream{ServerStream: ss, ctx: ctx}
	return sendable(guarded(path.Base(info.FullMethod), s.log, func() error { return next(srv, ss) }))
}

// endingStream is a stream whose context also ends with the server.
type endingStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (e *endingStream) Context() context.Context { return e.ctx }

// checkSize returns an error for a message of so many bytes if that is more than the host accepts.
func checkSize(name string, size int) error {
	if size > wire.MaxMessage {
		return status.Errorf(codes.ResourceExhausted,
			"the answer of %s has %d bytes, over the limit of %d: return less in one call", name, size, wire.MaxMessage)
	}
	return nil
}

// sendable returns err with a text that a header can hold. Code and details stay.
func sendable(err error) error {
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
	p.Message = strings.ToValidUTF8(p.GetMessage(), "\uFFFD") // other text can't be sent
	return status.ErrorProto(p)
}

// closeWithin calls Close with a time limit and logs its error.
func (s *Server) closeWithin(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		s.log.Warn("the plugin did not end in time", "error", err)
	}
}
