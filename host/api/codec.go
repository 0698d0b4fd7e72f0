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

// encoded is a message that is encoded already.
type encoded []byte

// codec encodes messages as gRPC's own codec does, but in buffers of just their size.
// gRPC's are pooled buffers of 1 MiB, and a client that does not read holds several. It
// also accepts messages that are encoded already.
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
	return nil, fmt.Errorf("encode a %T: it is not a message", v)
}

// snapshotCache holds the newest snapshot encoded, so that all watchers share it. The
// zero value is ready for use.
type snapshotCache struct {
	mu     sync.Mutex
	filled bool
	tick   uint64
	bytes  encoded
}

// encode returns the newest snapshot encoded.
func (c *snapshotCache) encode(newest *snapshot.Snapshot) (encoded, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.filled && c.tick == newest.Tick {
		return c.bytes, nil
	}
	bytes, err := proto.Marshal(wire.SnapshotToProto(newest))
	if err != nil {
		return nil, err
	}
	c.filled, c.tick, c.bytes = true, newest.Tick, bytes
	return bytes, nil
}
