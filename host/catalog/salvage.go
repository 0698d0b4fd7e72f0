package catalog

import (
	"google.golang.org/grpc/encoding"
	encproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// salvager reads answers as gRPC does, but loses no whole answer for one item in
// it that can't be read, such as one with a text that is no UTF-8.
type salvager struct {
	encoding.CodecV2
	report func(what string, f findings)
}

func newSalvager(report func(what string, f findings)) *salvager {
	return &salvager{encoding.GetCodecV2(encproto.Name), report}
}

// Unmarshal implements encoding.CodecV2.
func (s *salvager) Unmarshal(data mem.BufferSlice, v any) error {
	err := s.CodecV2.Unmarshal(data, v)
	m, ok := v.(proto.Message)
	if err == nil || !ok {
		return err
	}
	bad, ok := salvage(data.Materialize(), m)
	if !ok {
		return err
	}
	s.report(string(m.ProtoReflect().Descriptor().Name()), bad)
	return nil
}

// salvage reads a message item by item: the items are the messages in its lists.
// It says false when what is broken is not an item.
func salvage(data []byte, m proto.Message) (bad findings, ok bool) {
	proto.Reset(m)
	fields := m.ProtoReflect().Descriptor().Fields()
	var rest []byte
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil, false
		}
		size := protowire.ConsumeFieldValue(number, kind, data[n:])
		if size < 0 {
			return nil, false
		}
		field := fields.ByNumber(number)
		if field == nil || !field.IsList() || field.Message() == nil || kind != protowire.BytesType {
			rest = append(rest, data[:n+size]...)
			data = data[n+size:]
			continue
		}
		body, _ := protowire.ConsumeBytes(data[n:])
		addItem(m, field, body, &bad)
		data = data[n+size:]
	}
	return bad, len(bad) > 0 && proto.UnmarshalOptions{Merge: true}.Unmarshal(rest, m) == nil
}

// addItem adds one item to a list, if it can be read.
func addItem(m proto.Message, field protoreflect.FieldDescriptor, body []byte, bad *findings) {
	list := m.ProtoReflect().Mutable(field).List()
	item := list.NewElement()
	if err := proto.Unmarshal(body, item.Message().Interface()); err != nil {
		bad.add("item that can't be read", "of %s, after %d that can: %v", field.Name(), list.Len(), err)
		return
	}
	list.Append(item)
}
