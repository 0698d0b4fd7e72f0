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

// utf8Codec encodes messages as gRPC does. When it can't because a text in the message is not
// UTF-8, the error names the text.
type utf8Codec struct{ encoding.CodecV2 }

func newUTF8Codec() utf8Codec { return utf8Codec{encoding.GetCodecV2(encproto.Name)} }

// Marshal implements encoding.CodecV2.
func (c utf8Codec) Marshal(v any) (mem.BufferSlice, error) {
	if e, ok := v.(encoded); ok {
		return e.buffers(), nil
	}
	data, err := c.CodecV2.Marshal(v)
	if err == nil {
		return data, nil
	}
	if m, ok := v.(proto.Message); ok {
		if at, text := invalidText(m.ProtoReflect()); at != "" {
			return nil, fmt.Errorf("%s%s is not valid UTF-8: %.60q (strings.ToValidUTF8 repairs it)", m.ProtoReflect().Descriptor().Name(), at, text)
		}
	}
	return nil, err
}

// invalidText returns the first text that is not UTF-8, and where it is: ".samples[2].name".
func invalidText(m protoreflect.Message) (at, text string) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		name := "." + string(field.Name())
		switch {
		case field.IsMap():
		case field.IsList():
			for i := range value.List().Len() {
				if at, text = invalidValue(field, value.List().Get(i)); text != "" {
					at = fmt.Sprintf("%s[%d]%s", name, i, at)
					return false
				}
			}
		default:
			if at, text = invalidValue(field, value); text != "" {
				at = name + at
				return false
			}
		}
		return true
	})
	return at, text
}

func invalidValue(field protoreflect.FieldDescriptor, value protoreflect.Value) (at, text string) {
	switch field.Kind() {
	case protoreflect.MessageKind:
		return invalidText(value.Message())
	case protoreflect.StringKind:
		if !utf8.ValidString(value.String()) {
			return "", value.String()
		}
	}
	return "", ""
}
