package catalog

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/meshos/meshos/host/catalog/answers"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
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

// read passes on a number of batches of so many events, of which as many are good.
func read(t *testing.T, batches, events, good int) (took time.Duration) {
	t.Helper()
	batch := &pluginv1.EventBatch{Events: make([]*meshosv1.Event, events)}
	began := time.Now()
	refused, err := passOn(t.Context(), func() (*pluginv1.EventBatch, error) {
		if batches--; batches < 0 {
			return nil, io.EOF
		}
		return batch, nil
	}, func(*pluginv1.EventBatch) []answers.Event { return make([]answers.Event, good) },
		func(context.Context, []answers.Event) error { return nil })
	if refused != nil || err != nil {
		t.Fatal(refused, err)
	}
	return time.Since(began)
}

// Batches that bring nothing are read as fast as 1,000 a second, and 10,000 at once; so are
// events that are discarded.
func TestP5_BatchesThatBringNothingArePaced(t *testing.T) {
	for name, c := range map[string]struct {
		batches, events, good int
		want                  time.Duration
	}{
		"at once":          {10_000, 0, 0, 0},
		"for long":         {15_000, 0, 0, 5 * time.Second},
		"discarded":        {3_000, 4, 0, 5 * time.Second},
		"partly good":      {3_000, 5, 1, 5 * time.Second},
		"all of them good": {100_000, 5, 5, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if took := read(t, c.batches, c.events, c.good); (took - c.want).Abs() > 10*time.Millisecond {
					t.Errorf("took %v, want %v", took, c.want)
				}
			})
		})
	}
}
