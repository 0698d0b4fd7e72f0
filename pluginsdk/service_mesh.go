package pluginsdk

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// errReplaced is the error of a stream whose instance has ended.
var errReplaced = errors.New("the plugin has a new configuration")

type meshService struct {
	pluginv1.UnimplementedMeshServer
	s *Server
}

func (m meshService) SetMembers(ctx context.Context, req *pluginv1.SetMembersRequest) (*pluginv1.SetMembersResponse, error) {
	return call(ctx, m.s, func(ctx context.Context, mesh Mesh) (*pluginv1.SetMembersResponse, error) {
		return &pluginv1.SetMembersResponse{}, mesh.SetMembers(ctx, req)
	})
}

func (m meshService) Order(ctx context.Context, req *pluginv1.OrderRequest) (*pluginv1.OrderResponse, error) {
	return call(ctx, m.s, func(ctx context.Context, mesh Mesh) (*pluginv1.OrderResponse, error) {
		return &pluginv1.OrderResponse{}, mesh.Order(ctx, req)
	})
}

func (m meshService) Tell(ctx context.Context, req *pluginv1.TellRequest) (*pluginv1.TellResponse, error) {
	return call(ctx, m.s, func(ctx context.Context, mesh Mesh) (*pluginv1.TellResponse, error) {
		return &pluginv1.TellResponse{}, mesh.Tell(ctx, req)
	})
}

func (m meshService) Join(ctx context.Context, req *pluginv1.JoinRequest) (*pluginv1.JoinResponse, error) {
	return call(ctx, m.s, func(ctx context.Context, mesh Mesh) (*pluginv1.JoinResponse, error) {
		return &pluginv1.JoinResponse{}, mesh.Join(ctx, req.GetJoining())
	})
}

func (m meshService) Follow(req *pluginv1.FollowRequest, stream grpc.ServerStreamingServer[pluginv1.MeshBatch]) error {
	return m.streaming(stream.Context(), func(ctx context.Context, mesh Mesh) error {
		return mesh.Follow(ctx, req, func(batch *pluginv1.MeshBatch) error {
			return sendSized(ctx, "Follow", batch, stream.Send)
		})
	})
}

func (m meshService) Ask(req *pluginv1.AskRequest, stream grpc.ServerStreamingServer[pluginv1.AskResponse]) error {
	return m.streaming(stream.Context(), func(ctx context.Context, mesh Mesh) error {
		return mesh.Ask(ctx, req, func(response []byte) error {
			return sendSized(ctx, "Ask", &pluginv1.AskResponse{Response: response}, stream.Send)
		})
	})
}

func (m meshService) Serve(stream grpc.BidiStreamingServer[pluginv1.ServedAnswer, pluginv1.ServedQuestion]) error {
	return m.streaming(stream.Context(), func(ctx context.Context, mesh Mesh) error {
		return mesh.Serve(ctx, stream.Recv, func(question *pluginv1.ServedQuestion) error {
			return sendSized(ctx, "Serve", question, stream.Send)
		})
	})
}

// streaming runs a stream of the current instance. When that is replaced, the stream ends
// with UNAVAILABLE: the host begins it again where its record ends by then.
func (m meshService) streaming(ctx context.Context, f func(context.Context, Mesh) error) error {
	inst, err := m.s.acquire()
	if err != nil {
		return err
	}
	defer inst.release()
	if err := m.s.ensurePeers(inst); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(inst.streams, cancel)()
	err = f(ctx, inst.value.(Mesh))
	if inst.streams.Err() != nil {
		return Unavailable(errReplaced)
	}
	return err
}

// sendSized sends a message, unless it is too large or the stream has ended.
func sendSized[M proto.Message](ctx context.Context, method string, message M, send func(M) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkSize(method, proto.Size(message)); err != nil {
		return err
	}
	return send(message)
}
