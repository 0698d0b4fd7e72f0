package answers

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// empties returns a message of 4 MiB that consists of empty items of one field.
func empties(field protowire.Number) []byte {
	item := protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), nil)
	return bytes.Repeat(item, 4<<20/len(item))
}

// nested returns a message of 4 MiB with one item, which consists of empty items.
func nested(field, below protowire.Number) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), empties(below))
}

func TestP5_EmptyItemsAreCountedBeforeTheyAreDecoded(t *testing.T) {
	codec := NewLenientCodec(func(string, Discarded) {})
	for name, c := range map[string]struct {
		data []byte
		into proto.Message
	}{
		"inventories": {empties(1), &pluginv1.InventorySamples{}},
		"events":      {empties(1), &pluginv1.EventBatch{}},
		"chains":      {empties(2), &meshosv1.ScoreTable{}},
		"holders":     {nested(2, 2), &meshosv1.ScoreTable{}},
		"migrations":  {empties(1), &meshosv1.Migrations{}},
	} {
		t.Run(name, func(t *testing.T) {
			data := mem.BufferSlice{mem.SliceBuffer(c.data)}
			before := allocated()
			err := codec.Unmarshal(data, c.into)
			took := allocated() - before
			if name != "holders" && (err == nil || !strings.Contains(err.Error(), "empty or tiny items")) {
				t.Errorf("it is read: %v", err)
			}
			if took > 2*decodedMax {
				t.Errorf("it takes %d MiB to read, with %v", took>>20, err)
			}
		})
	}
}

// allocated returns how many bytes were allocated so far.
func allocated() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.TotalAlloc
}

func TestDeepMessagesAreNotFollowed(t *testing.T) {
	v := structpb.NewNullValue()
	for range 2 * deepest {
		v = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{v}})
	}
	data, err := proto.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if w := weigh(data, v.ProtoReflect().Descriptor(), 1<<20); w <= 1<<20 {
		t.Errorf("it weighs %d", w)
	}
}

// What fills a message and makes sense is read.
func TestFullAnswersAreRead(t *testing.T) {
	scores, events, samples := &meshosv1.ScoreTable{}, &pluginv1.EventBatch{}, &pluginv1.InventorySamples{}
	rtt := &pluginv1.RttSamples{}
	for n := range uint64(70_000) {
		scores.Chains = append(scores.Chains, &meshosv1.ChainScore{
			Chain: n + 1, Holders: []*meshosv1.NodeScore{{Node: 1, Score: 0.5}, {Node: 2, Score: 0.5}, {Node: 3, Score: 0.5}},
			BestAlternative: &meshosv1.NodeScore{Node: 4, Score: 1},
		})
		events.Events = append(events.Events, &meshosv1.Event{Kind: &meshosv1.Event_ReplicaUpdate{
			ReplicaUpdate: &meshosv1.ReplicaUpdate{Kind: 1, Chain: n + 1, Holder: 2},
		}})
	}
	for len(events.Events) < 240_000 {
		events.Events = append(events.Events, events.Events[:70_000]...)
	}
	for n := range uint64(20_000) {
		load := 0.5
		samples.Samples = append(samples.Samples, &meshosv1.PeerInventory{Peer: n + 1, CpuLoad_1M: &load, MemUsedBytes: proto.Uint64(1 << 30)})
	}
	for n := range uint64(200_000) {
		rtt.Peers, rtt.RttNs = append(rtt.Peers, n), append(rtt.RttNs, int64(n))
	}
	codec := NewLenientCodec(func(string, Discarded) {})
	for _, m := range []proto.Message{scores, events, samples, rtt} {
		data, err := proto.Marshal(m)
		if err != nil || len(data) > 4<<20 {
			t.Fatalf("%d bytes of %T, %v", len(data), m, err)
		}
		if err := codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, m.ProtoReflect().New().Interface()); err != nil {
			t.Errorf("%T of %d bytes: %v", m, len(data), err)
		}
		t.Logf("%T: %d bytes weigh %d", m, len(data), weigh(data, m.ProtoReflect().Descriptor(), 1<<40))
	}
}

func BenchmarkWeighRTT(b *testing.B) {
	in := &pluginv1.RttSamples{}
	for n := range uint64(10_000) {
		in.Peers, in.RttNs = append(in.Peers, n+2), append(in.RttNs, 1_000_000)
	}
	data, _ := proto.Marshal(in)
	for b.Loop() {
		weigh(data, in.ProtoReflect().Descriptor(), decodedMax)
	}
}

func BenchmarkWeighEmptyInventories(b *testing.B) {
	data, d := empties(1), (&pluginv1.InventorySamples{}).ProtoReflect().Descriptor()
	for b.Loop() {
		weigh(data, d, decodedMax)
	}
}
