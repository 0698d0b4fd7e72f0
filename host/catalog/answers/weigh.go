package answers

import (
	"fmt"
	"reflect"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

const (
	// decodedMax is how much memory an answer may take once it is decoded, in bytes. The
	// largest that make sense take half of that: a table of scores, or a batch of small
	// events, that fills a message.
	decodedMax = 96 << 20
	// weighedFrom is the size of an encoded answer below which it can't take that much.
	weighedFrom = 64 << 10
	// deepest is how deep messages may lie in each other.
	deepest = 100

	pointerCost = 8  // of an item in a list of messages
	textCost    = 24 // of a text, beside its bytes
	numberCost  = 8
	mapCost     = 64 // of an entry of a map, beside its key and value
)

// weigh returns about how many bytes of memory a message takes once it is decoded, read
// from its encoding. It stops, with a larger number, when that is more than most. An
// encoding that is broken weighs what comes before the fault: decoding it fails anyway.
func weigh(data []byte, d protoreflect.MessageDescriptor, most int) int {
	w := weighing{most: most}
	w.message(data, scaleOf(d), 0)
	return w.sum
}

// TooHeavy is in the text of the error of an answer that would take too much memory:
// gRPC keeps nothing else of it.
const TooHeavy = "they consist of empty or tiny items"

// tooHeavy is the error of an answer that would take too much memory.
func tooHeavy(message string, encoded int) error {
	return fmt.Errorf("%d bytes of %s would take more than %d MiB of memory: %s",
		encoded, message, decodedMax>>20, TooHeavy)
}

// weighing adds up one message.
type weighing struct{ sum, most int }

func (w *weighing) message(data []byte, s *scale, depth int) {
	if depth > deepest {
		w.sum = w.most + 1
	}
	w.sum += s.cost
	for len(data) > 0 && w.sum <= w.most {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return
		}
		data = data[n:]
		if n = protowire.ConsumeFieldValue(number, kind, data); n < 0 {
			return
		}
		w.field(data[:n], kind, s.fields[number], depth)
		data = data[n:]
	}
}

// field adds up one value, which a field may have several times.
func (w *weighing) field(value []byte, kind protowire.Type, f *fieldScale, depth int) {
	switch {
	case f == nil: // unknown: it is kept as it is
		w.sum += len(value)
	case f.message != nil && kind == protowire.BytesType:
		body, _ := protowire.ConsumeBytes(value)
		w.sum += f.cost
		w.message(body, f.message, depth+1)
	case kind == protowire.BytesType && f.number: // packed: one byte or more for each
		w.sum += numberCost * len(value)
	default:
		w.sum += f.cost + len(value)
	}
}

// scale is what the messages of one type cost.
type scale struct {
	cost   int // of an empty one
	fields map[protowire.Number]*fieldScale
}

// fieldScale is what a value of one field costs.
type fieldScale struct {
	cost    int
	number  bool
	message *scale // of the value; nil if it is not a message
}

// scales are those that were needed so far.
var scales = struct {
	mu  sync.RWMutex
	all map[protoreflect.FullName]*scale
}{all: make(map[protoreflect.FullName]*scale)}

// scaleOf returns the scale of a type of message.
func scaleOf(d protoreflect.MessageDescriptor) *scale {
	scales.mu.RLock()
	s := scales.all[d.FullName()]
	scales.mu.RUnlock()
	if s != nil {
		return s
	}
	scales.mu.Lock()
	defer scales.mu.Unlock()
	return makeScale(d)
}

// makeScale returns the scale of a type of message and of all that it may contain. The
// lock of scales is held.
func makeScale(d protoreflect.MessageDescriptor) *scale {
	if s := scales.all[d.FullName()]; s != nil {
		return s
	}
	fields := d.Fields()
	s := &scale{cost: sizeOf(d), fields: make(map[protowire.Number]*fieldScale, fields.Len())}
	scales.all[d.FullName()] = s // before the fields: a message may contain itself
	for i := range fields.Len() {
		field := fields.Get(i)
		f := &fieldScale{cost: numberCost}
		switch {
		case field.IsMap():
			f.cost, f.message = mapCost, makeScale(field.Message())
		case field.Message() != nil:
			f.cost, f.message = pointerCost, makeScale(field.Message())
		case field.Kind() == protoreflect.StringKind || field.Kind() == protoreflect.BytesKind:
			f.cost = textCost
		default:
			f.number = true
		}
		s.fields[field.Number()] = f
	}
	return s
}

// sizeOf returns the size of an empty message in memory. Those that the generated code
// does not know have no struct of their own and count as the larger ones do.
func sizeOf(d protoreflect.MessageDescriptor) int {
	const unknown = 128
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		return unknown
	}
	goType := reflect.TypeOf(t.Zero().Interface())
	if goType.Kind() != reflect.Pointer {
		return unknown
	}
	return int(goType.Elem().Size())
}
