package pluginsdk

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/grpc/encoding"
	encproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// namingCodec writes messages as gRPC does, and when one can't be written because a
// text in it is no UTF-8, it says which.
type namingCodec struct{ encoding.CodecV2 }

func newNamingCodec() namingCodec { return namingCodec{encoding.GetCodecV2(encproto.Name)} }

// Marshal implements encoding.CodecV2.
func (c namingCodec) Marshal(v any) (mem.BufferSlice, error) {
	data, err := c.CodecV2.Marshal(v)
	if err == nil {
		return data, nil
	}
	if m, ok := v.(proto.Message); ok {
		if at, text := brokenText(m.ProtoReflect()); at != "" {
			return nil, fmt.Errorf("%s%s is no valid UTF-8: %.60q (strings.ToValidUTF8 makes it so)", m.ProtoReflect().Descriptor().Name(), at, text)
		}
	}
	return nil, err
}

// brokenText finds the first text that is no UTF-8, and its place: ".samples[2].name".
func brokenText(m protoreflect.Message) (at, text string) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		name := "." + string(field.Name())
		switch {
		case field.IsMap():
		case field.IsList():
			for i := range value.List().Len() {
				if at, text = brokenValue(field, value.List().Get(i)); text != "" {
					at = fmt.Sprintf("%s[%d]%s", name, i, at)
					return false
				}
			}
		default:
			if at, text = brokenValue(field, value); text != "" {
				at = name + at
				return false
			}
		}
		return true
	})
	return at, text
}

func brokenValue(field protoreflect.FieldDescriptor, value protoreflect.Value) (at, text string) {
	switch field.Kind() {
	case protoreflect.MessageKind:
		return brokenText(value.Message())
	case protoreflect.StringKind:
		if !utf8.ValidString(value.String()) {
			return "", value.String()
		}
	}
	return "", ""
}
