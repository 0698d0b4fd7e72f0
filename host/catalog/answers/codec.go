package answers

import (
	"strings"

	"google.golang.org/grpc/encoding"
	encproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// LenientCodec is gRPC's codec for protobuf, except that an answer does not fail for list
// items that can't be decoded, such as one with text that is not UTF-8: it discards these
// items and keeps the others. In a column of texts it repairs those that are not UTF-8: without them the
// others would move up. And it does not decode an answer that would take far more
// memory than it has bytes.
type LenientCodec struct {
	encoding.CodecV2
	report func(message string, d Discarded)
}

// NewLenientCodec returns a codec that reports what it discards, with the name of the
// message.
func NewLenientCodec(report func(message string, d Discarded)) *LenientCodec {
	return &LenientCodec{encoding.GetCodecV2(encproto.Name), report}
}

// Unmarshal implements encoding.CodecV2.
func (c *LenientCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if e, ok := v.(*EncodedRTT); ok {
		buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
		if e.split(buf.ReadOnlyData()) {
			e.free = buf.Free // nobody else has it
			return nil
		}
		buf.Free()
		*e = EncodedRTT{message: &pluginv1.RttSamples{}}
		v = e.message
	}
	m, ok := v.(proto.Message)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buf.Free()
	raw := buf.ReadOnlyData()
	if d := m.ProtoReflect().Descriptor(); len(raw) >= weighedFrom && weigh(raw, d, decodedMax) > decodedMax {
		return tooHeavy(string(d.Name()), len(raw))
	}
	err := proto.Unmarshal(raw, m)
	if err == nil {
		return nil
	}
	bad, ok := decodeItems(raw, m)
	if !ok {
		return err
	}
	c.report(string(m.ProtoReflect().Descriptor().Name()), bad)
	return nil
}

// decodeItems decodes a message item by item: its items are the messages in its lists.
// ok is false if something else than an item, or a text of a column, is broken.
func decodeItems(data []byte, m proto.Message) (bad Discarded, ok bool) {
	proto.Reset(m)
	fields := m.ProtoReflect().Descriptor().Fields()
	columns := fields.ByName("peers") != nil
	var rest []byte
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return bad, false
		}
		size := protowire.ConsumeFieldValue(number, kind, data[n:])
		if size < 0 {
			return bad, false
		}
		field := fields.ByNumber(number)
		if columns && field != nil && field.IsList() && field.Kind() == protoreflect.StringKind && kind == protowire.BytesType {
			text, _ := protowire.ConsumeString(data[n:])
			if valid := strings.ToValidUTF8(text, "\uFFFD"); valid != text {
				bad.Add("text that is not UTF-8", "in %s: %.60q", field.Name(), text)
				text = valid
			}
			rest = protowire.AppendString(append(rest, data[:n]...), text)
			data = data[n+size:]
			continue
		}
		if field == nil || !field.IsList() || field.Message() == nil || kind != protowire.BytesType {
			rest = append(rest, data[:n+size]...)
			data = data[n+size:]
			continue
		}
		body, _ := protowire.ConsumeBytes(data[n:])
		addItem(m, field, body, &bad)
		data = data[n+size:]
	}
	return bad, len(bad.byReason) > 0 && proto.UnmarshalOptions{Merge: true}.Unmarshal(rest, m) == nil
}

// addItem appends one item to a list if it can be decoded.
func addItem(m proto.Message, field protoreflect.FieldDescriptor, body []byte, bad *Discarded) {
	list := m.ProtoReflect().Mutable(field).List()
	item := list.NewElement()
	if err := proto.Unmarshal(body, item.Message().Interface()); err != nil {
		bad.Add("item that can't be decoded", "in %s, after %d good ones: %v", field.Name(), list.Len(), err)
		return
	}
	list.Append(item)
}
