package main

import (
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// encodedMessage is a message of the contract that is encoded already.
type encodedMessage []byte

// encodedCodec is gRPC's own codec, which also sends what is encoded already.
type encodedCodec struct{ encoding.CodecV2 }

func newEncodedCodec() encodedCodec { return encodedCodec{encoding.GetCodecV2(protocodec.Name)} }

// Marshal implements encoding.CodecV2.
func (c encodedCodec) Marshal(v any) (mem.BufferSlice, error) {
	if raw, is := v.(encodedMessage); is {
		return mem.BufferSlice{mem.SliceBuffer(raw)}, nil
	}
	return c.CodecV2.Marshal(v)
}
