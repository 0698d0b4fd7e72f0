package api

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// NodeHeader is the metadata of a call that is meant for another node of the mesh, by id or
// name. The node asks that one, and passes the answer on.
const NodeHeader = "meshos-node"

const (
	// askTimeout bounds a question of one answer whose client names no deadline.
	askTimeout = 30 * time.Second
	// messageMost bounds one message of an answer, in bytes, as clients take it.
	messageMost = MaxAnswer
)

// Ask makes a call of the Host service of another node, and passes each part of the answer to
// take. The error has a gRPC status.
type Ask func(ctx context.Context, node mesh.NodeID, method string, request []byte, take func(part []byte) error) error

// askable reports whether a method may be asked of another node: it only reads.
func askable(method string) bool {
	switch method {
	case "GetSnapshot", "WatchSnapshots", "TailAudit", "TailLogs", "TailFailures", "TailActions",
		"Explain", "DescribePlugin", "ListOperators", "ListChains", "Simulate":
		return true
	}
	return false
}

// elsewhere returns which other node a call is meant for; 0 for this one.
func (s *Service) elsewhere(ctx context.Context, method string) (mesh.NodeID, error) {
	word := metadata.ValueFromIncomingContext(ctx, NodeHeader)
	if len(word) == 0 || word[0] == "" {
		return 0, nil
	}
	node, err := s.nodeNamed(word[0])
	switch {
	case err != nil:
		return 0, err
	case node == 0:
		return 0, nil
	case !askable(method):
		return 0, status.Errorf(codes.InvalidArgument, "%s can't be asked of another node, since it does more than read; run it on node %s itself", method, word[0])
	case s.opts.Ask == nil:
		return 0, status.Error(codes.FailedPrecondition, "this node has no mesh, so it can ask no other node")
	}
	return node, nil
}

// nodeNamed returns the node that has an id or a name; 0 for this one.
func (s *Service) nodeNamed(word string) (mesh.NodeID, error) {
	latest := s.opts.Reader.Latest()
	if id, err := strconv.ParseUint(word, 10, 64); err == nil {
		if mesh.NodeID(id) == latest.Node {
			return 0, nil
		}
		if p, known := latest.Peers.Get(mesh.NodeID(id)); !known || p.Member == nil {
			return 0, status.Errorf(codes.NotFound, "node %d is no member of the mesh; `meshos nodes` lists them", id)
		}
		return mesh.NodeID(id), nil
	}
	var found []string
	var id mesh.NodeID
	if latest.Info != nil && latest.Info.Name == word {
		found = append(found, fmt.Sprint(latest.Node))
	}
	for p := range latest.Peers.Values() {
		if p.Name == word && p.Member != nil {
			id = p.Node
			found = append(found, fmt.Sprint(p.Node))
		}
	}
	switch len(found) {
	case 0:
		return 0, status.Errorf(codes.NotFound, "no member of the mesh has the name %q; `meshos nodes` lists them", word)
	case 1:
		return id, nil
	}
	slices.Sort(found)
	return 0, status.Errorf(codes.InvalidArgument, "several nodes have the name %q; use one of their ids: %s", word, strings.Join(found, ", "))
}

// ask asks another node, and passes each message of its answer to send. began is called once,
// with the header of the answer, before the first.
func (s *Service) ask(ctx context.Context, node mesh.NodeID, method string, request []byte, began func(metadata.MD) error, send func(encoded) error) error {
	var message []byte
	first := true
	return statusOf(s.opts.Ask(ctx, node, method, request, func(raw []byte) error {
		var part hostv1.AnswerPart
		if err := proto.Unmarshal(raw, &part); err != nil {
			return status.Errorf(codes.Internal, "node %d answers with what is no part of an answer: it may have a much older version of meshos", node)
		}
		if first {
			first = false
			if err := began(metadata.New(part.GetHeader())); err != nil {
				return err
			}
		}
		if len(message)+len(part.GetMessage()) > messageMost {
			return status.Errorf(codes.Internal, "node %d answers with a message of more than %d MiB", node, messageMost>>20)
		}
		if message = append(message, part.GetMessage()...); part.GetMore() {
			return nil
		}
		whole := message
		message = nil
		return send(whole)
	}))
}

func (s *Service) askUnary(ctx context.Context, in any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	method := path.Base(info.FullMethod)
	node, err := s.elsewhere(ctx, method)
	if err != nil {
		return nil, err
	}
	if node == 0 {
		return handler(ctx, in)
	}
	request, err := proto.Marshal(in.(proto.Message))
	if err != nil {
		return nil, status.Errorf(codes.Internal, "the question can't be encoded: %v", err)
	}
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, askTimeout)
		defer cancel()
	}
	var out encoded
	err = s.ask(ctx, node, method, request, func(h metadata.MD) error { return grpc.SetHeader(ctx, h) }, func(message encoded) error {
		out = message
		return nil
	})
	if err == nil && out == nil {
		out = encoded{} // an empty message
	}
	return out, err
}

func (s *Service) askStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	method := path.Base(info.FullMethod)
	node, err := s.elsewhere(stream.Context(), method)
	if err != nil {
		return err
	}
	if node == 0 {
		return handler(srv, stream)
	}
	var request encoded
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	err = s.ask(ctx, node, method, request, stream.SendHeader, func(message encoded) error { return stream.SendMsg(message) })
	if err != nil && s.stopping.Err() != nil && stream.Context().Err() == nil {
		return status.Error(codes.Unavailable, "the node is stopping")
	}
	return err
}

// statusOf returns an error of Ask with a status.
func statusOf(err error) error {
	if _, has := status.FromError(err); has {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return status.FromContextError(err).Err()
	}
	return status.Error(codes.Unavailable, err.Error())
}
