package api

import (
	"context"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/internal/guard"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// partSize is how much of a message goes into one part of an answer, in bytes: what carries
// it may take no more than 1 MiB at once.
const partSize = 256 << 10

// Answer makes a call of this service for another node of the mesh, without a connection, and
// sends the answer in parts. Only methods that read may be called. The error has a gRPC status.
func (s *Service) Answer(ctx context.Context, from uint64, method string, request []byte, send func(part []byte) error) error {
	if !askable(method) {
		return status.Errorf(codes.PermissionDenied, "%s does more than read, so no other node may call it", method)
	}
	ctx, cancel := context.WithCancel(context.WithValue(ctx, answering{}, true))
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	a := &answer{ctx: ctx, request: request, send: send}
	var err error
	if caught := guard.Call(func() error { err = s.dispatch(a, method); return nil }); caught != nil {
		s.refusals.call(fmt.Sprintf("node %d", from), fmt.Sprintf("%s, asked by node %d, failed inside this node: %v", method, from, caught))
		return status.Errorf(codes.Internal, "%s failed inside the node; its log says where", method)
	}
	if err != nil && s.stopping.Err() != nil {
		return status.Error(codes.Unavailable, "the node is stopping")
	}
	return err
}

// dispatch calls the handler of a method.
func (s *Service) dispatch(a *answer, method string) error {
	for _, m := range hostv1.Host_ServiceDesc.Methods {
		if m.MethodName != method {
			continue
		}
		out, err := m.Handler(s, a.ctx, a.decode, nil)
		if err != nil {
			return err
		}
		return a.SendMsg(out)
	}
	for _, m := range hostv1.Host_ServiceDesc.Streams {
		if m.StreamName == method {
			return m.Handler(s, a)
		}
	}
	return status.Errorf(codes.Unimplemented, "this version of meshos has no %s", method)
}

// answer is the answer to one question of another node: a grpc.ServerStream.
type answer struct {
	ctx     context.Context
	request []byte // nil once it was read
	read    bool
	header  map[string]string // that was not sent yet
	send    func(part []byte) error
}

var _ grpc.ServerStream = (*answer)(nil)

// Context implements grpc.ServerStream.
func (a *answer) Context() context.Context { return a.ctx }

// SetHeader implements grpc.ServerStream.
func (a *answer) SetHeader(h metadata.MD) error {
	if a.header == nil {
		a.header = make(map[string]string)
	}
	for key, values := range h {
		if len(values) > 0 {
			a.header[key] = values[0]
		}
	}
	return nil
}

// SendHeader implements grpc.ServerStream: the header goes with the first message.
func (a *answer) SendHeader(h metadata.MD) error { return a.SetHeader(h) }

// SetTrailer implements grpc.ServerStream.
func (*answer) SetTrailer(metadata.MD) {}

// RecvMsg implements grpc.ServerStream.
func (a *answer) RecvMsg(m any) error {
	if a.read {
		return io.EOF
	}
	a.read = true
	return a.decode(m)
}

func (a *answer) decode(m any) error {
	if err := proto.Unmarshal(a.request, m.(proto.Message)); err != nil {
		return status.Errorf(codes.InvalidArgument, "the question can't be decoded: %v", err)
	}
	return nil
}

// SendMsg implements grpc.ServerStream.
func (a *answer) SendMsg(m any) error {
	message, raw := m.(encoded)
	if !raw {
		var err error
		if message, err = proto.Marshal(m.(proto.Message)); err != nil {
			return status.Errorf(codes.Internal, "the answer can't be encoded: %v", err)
		}
	}
	for first := true; first || len(message) > 0; first = false {
		n := min(len(message), partSize)
		part, err := proto.Marshal(&hostv1.AnswerPart{Message: message[:n], More: n < len(message), Header: a.header})
		if err != nil {
			return status.Errorf(codes.Internal, "the answer can't be encoded: %v", err)
		}
		if err := a.send(part); err != nil {
			return err
		}
		message, a.header = message[n:], nil
	}
	return nil
}
