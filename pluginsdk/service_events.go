package pluginsdk

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

type eventService struct {
	pluginv1.UnimplementedEventSourceServer
	s *Server
}

// Events is one stream for the host. It continues with the new instance whenever a
// configuration replaces the instance.
func (e eventService) Events(_ *pluginv1.EventsRequest, stream grpc.ServerStreamingServer[pluginv1.EventBatch]) error {
	for {
		replaced, err := e.feed(stream)
		if stream.Context().Err() != nil {
			return stream.Context().Err()
		}
		if !replaced {
			return err
		}
	}
}

// feed streams the events of the current instance. It reports whether the instance was
// replaced: then the error is only that the context ended.
func (e eventService) feed(stream grpc.ServerStreamingServer[pluginv1.EventBatch]) (replaced bool, err error) {
	inst, err := e.s.acquire()
	if err != nil {
		return false, err
	}
	defer inst.release()
	if err := e.s.ensurePeers(inst); err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(inst.streams, cancel)()
	err = inst.value.(EventSource).Events(ctx, func(events []*meshosv1.Event) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := &pluginv1.EventBatch{Events: events}
		if err := checkSize("Events", proto.Size(batch)); err != nil {
			return err
		}
		return stream.Send(batch)
	})
	return inst.streams.Err() != nil, err
}
