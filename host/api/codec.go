package api

import (
	"errors"
	"fmt"
	"sync"
	"weak"

	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
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

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if raw, is := v.(*encoded); is {
		*raw = data.Materialize()
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

// snapshotCache holds the newest snapshot encoded, so that all watchers share it. The
// zero value is ready for use.
type snapshotCache struct {
	mu     sync.Mutex
	filled bool
	tick   uint64
	bytes  encoded
	err    error
}

// errTooLarge means that a snapshot does not fit into one message.
var errTooLarge = errors.New("the snapshot is larger than a message may be")

// encode returns the newest snapshot encoded.
func (c *snapshotCache) encode(newest *snapshot.Snapshot) (encoded, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.filled && c.tick == newest.Tick {
		return c.bytes, c.err
	}
	c.filled, c.tick = true, newest.Tick
	c.bytes, c.err = encodeWhole(newest, &wire.Filter{})
	return c.bytes, c.err
}

func encodeWhole(s *snapshot.Snapshot, f *wire.Filter) (encoded, error) {
	whole, _, more := wire.SnapshotPage(s, f, wire.Position{}, pageSize)
	if more {
		return nil, errTooLarge
	}
	return proto.Marshal(whole)
}

// deltaCache holds the newest change encoded, so that watchers that keep up share it. The
// zero value is ready for use.
type deltaCache struct {
	mu             sync.Mutex
	earlier, later weak.Pointer[snapshot.Snapshot]
	messages       []encoded
}

// encode returns what leads from one snapshot to another, encoded.
func (c *deltaCache) encode(earlier, later *snapshot.Snapshot, f *wire.Filter) ([]encoded, error) {
	if f.Some() {
		return encodeDeltas(earlier, later, f)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a, b := weak.Make(earlier), weak.Make(later)
	if c.messages != nil && c.earlier == a && c.later == b {
		return c.messages, nil
	}
	messages, err := encodeDeltas(earlier, later, f)
	if err == nil {
		c.earlier, c.later, c.messages = a, b, messages
	}
	return messages, err
}

func encodeDeltas(earlier, later *snapshot.Snapshot, f *wire.Filter) (out []encoded, err error) {
	for _, delta := range wire.SnapshotDeltas(earlier, later, f, pageSize) {
		bytes, err := proto.Marshal(&meshosv1.Snapshot{Delta: delta})
		if err != nil {
			return nil, err
		}
		out = append(out, bytes)
	}
	return out, nil
}
