package api

import (
	"fmt"
	"sync"

	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
)

// encoded is a message as it is sent.
type encoded []byte

// codec encodes messages as gRPC's own does, but in no more memory than they need:
// buffers of its pool are of 1 MiB, and a client that does not read holds several. It
// also takes what is encoded already.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(protocodec.Name)} }

// Marshal implements encoding.CodecV2.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	switch v := v.(type) {
	case encoded:
		return mem.BufferSlice{mem.SliceBuffer(v)}, nil
	case proto.Message:
		out, err := proto.Marshal(v)
		return mem.BufferSlice{mem.SliceBuffer(out)}, err
	}
	return nil, fmt.Errorf("encode a %T: it is no message", v)
}

// edition is the newest snapshot as it is sent: all who watch share it. The zero value
// is ready.
type edition struct {
	mu   sync.Mutex
	made bool
	tick uint64
	all  encoded
}

// of gives a snapshot encoded.
func (e *edition) of(latest *snapshot.Snapshot) (encoded, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.made && e.tick == latest.Tick {
		return e.all, nil
	}
	all, err := proto.Marshal(wire.SnapshotToProto(latest))
	if err != nil {
		return nil, err
	}
	e.made, e.tick, e.all = true, latest.Tick, all
	return all, nil
}
