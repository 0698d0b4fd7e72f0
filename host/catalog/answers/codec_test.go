package answers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// encoded returns the bytes of a message, with a byte that is not UTF-8 for each ~.
func encoded(t *testing.T, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		if data[i] == '~' {
			data[i] = 0xff
		}
	}
	return data
}

func TestOneItemThatCannotBeDecodedIsDiscarded(t *testing.T) {
	version := func(s string) *string { return &s }
	var reported []string
	codec := NewLenientCodec(func(message string, d Discarded) {
		for reason, c := range d.byReason {
			reported = append(reported, message+": "+reason+": "+c.first)
		}
	})
	got := &pluginv1.InventorySamples{}
	err := codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(encoded(t, &pluginv1.InventorySamples{Samples: []*meshosv1.PeerInventory{
		{Peer: 1, SoftwareVersion: version("good")}, {Peer: 2, SoftwareVersion: version("b~d")}, {Peer: 3},
	}}))}, got)
	if err != nil {
		t.Fatal(err)
	}
	want := &pluginv1.InventorySamples{Samples: []*meshosv1.PeerInventory{{Peer: 1, SoftwareVersion: version("good")}, {Peer: 3}}}
	if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
		t.Error(d)
	}
	if len(reported) != 1 || !strings.HasPrefix(reported[0], "InventorySamples: item that can't be decoded: in samples, after 1 good ones: ") {
		t.Errorf("reported %q", reported)
	}
}

func TestATextOfAColumnIsRepairedInItsPlace(t *testing.T) {
	got := &pluginv1.HealthSamples{}
	bad, ok := decodeItems(encoded(t, &pluginv1.HealthSamples{
		Peers: []uint64{2, 3}, Health: []meshosv1.NodeHealth{3, 3}, Reasons: []string{"t~med out", "refused"},
	}), got)
	want := &pluginv1.HealthSamples{
		Peers: []uint64{2, 3}, Health: []meshosv1.NodeHealth{3, 3}, Reasons: []string{"t\uFFFDmed out", "refused"},
	}
	if d := cmp.Diff(want, got, protocmp.Transform()); d != "" || !ok || bad.byReason["text that is not UTF-8"].n != 1 {
		t.Errorf("%v, %v, %s", bad, ok, d)
	}
}

func TestTheRestOfAnAnswerIsKept(t *testing.T) {
	table := &meshosv1.ScoreTable{ViewVersion: 7, Chains: []*meshosv1.ChainScore{{Chain: 1}}}
	broken := append(encoded(t, table), protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), []byte{0xff})...)
	got := &meshosv1.ScoreTable{}
	bad, ok := decodeItems(broken, got)
	if d := cmp.Diff(table, got, protocmp.Transform()); d != "" || !ok || bad.byReason["item that can't be decoded"].n != 1 {
		t.Errorf("%v, %v, %s", bad, ok, d)
	}
}

func TestAnswerThatIsBrokenItselfIsRefused(t *testing.T) {
	for name, data := range map[string][]byte{
		"cut off":           {0x0a, 0x05, 0x01},
		"no message":        {0xff, 0xff},
		"text outside":      encoded(t, &pluginv1.DescribeResponse{Name: "n~"}),
		"text of a warning": encoded(t, &pluginv1.ConfigureResponse{Warnings: []string{"n~"}}),
	} {
		for _, m := range []proto.Message{&pluginv1.DescribeResponse{}, &pluginv1.ConfigureResponse{}} {
			codec := NewLenientCodec(func(string, Discarded) { t.Errorf("%s: something was reported", name) })
			if codec.CodecV2.Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, m) == nil {
				continue // fits the other message
			}
			if err := codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, m); err == nil {
				t.Errorf("%s: read as %v", name, m)
			}
		}
	}
}

func FuzzDecodeItems(f *testing.F) {
	f.Add([]byte{0x0a, 0x03, 0x4a, 0x01, 0xff, 0x0a, 0x02, 0x08, 0x01})
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &pluginv1.InventorySamples{}
		bad, ok := decodeItems(data, m)
		if !ok {
			return
		}
		if len(bad.byReason) == 0 {
			t.Error("decoded item by item, although nothing was wrong")
		}
		if _, err := proto.Marshal(m); err != nil {
			t.Errorf("what was decoded is not a message: %v", err)
		}
	})
}
