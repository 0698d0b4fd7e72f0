package catalog

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// flood is a stream on which a message is always there.
type flood struct{ grpc.ClientStream }

func (flood) Context() context.Context { return context.Background() }
func (flood) RecvMsg(any) error        { return nil }

func receive(t *testing.T, method string, frames int) (took time.Duration) {
	t.Helper()
	open := func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
		return flood{}, nil
	}
	stream, err := streamMethods(t.Context(), nil, nil, method, open)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range frames {
		if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(began)
}

// Frames of a channel that go-plugin does not know are thrown away, but not read as fast as
// they come: 2,000 a second, and 8,000 at once.
func TestP5_FramesOfAnUnknownChannelArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if took := receive(t, stdioMethod, 8192); took != 0 {
			t.Errorf("what may come at once took %v", took)
		}
		if took, want := receive(t, stdioMethod, 8192+20480), 10*time.Second; (took - want).Abs() > time.Millisecond {
			t.Errorf("20480 frames more took %v, want %v", took, want)
		}
		if took := receive(t, "/meshos.plugin.v1.EventSource/Open", 100000); took != 0 {
			t.Errorf("a stream of the contract took %v", took)
		}
	})
}
