package journal

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
)

// The lines of the plain encoder are those of Encode, byte for byte.
func TestThePlainEncoderWritesWhatEncodeWrites(t *testing.T) {
	var p plainEncoder
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64())
		span := rapid.OneOf(rapid.Int64Range(-1, 3), rapid.Int64Range(0, 1e15), rapid.Map(rapid.Int64Range(0, 1e6), func(n int64) int64 { return n * 1e6 }),
			rapid.Map(rapid.Int64Range(0, 1e6), func(n int64) int64 { return n * 1e3 }))
		event := rapid.OneOf(
			rapid.Custom(func(t *rapid.T) mesh.Event {
				s := mesh.RTTSample{Peer: mesh.NodeID(id.Draw(t, "peer")), RTT: time.Duration(span.Draw(t, "rtt"))}
				s.Sent = rapid.Uint32Range(0, 1).Draw(t, "sent")
				return s
			}),
			rapid.Custom(func(t *rapid.T) mesh.Event {
				return mesh.HealthSample{Peer: mesh.NodeID(id.Draw(t, "peer")), Health: mesh.NodeHealth(rapid.IntRange(0, 4).Draw(t, "health")), Reason: rapid.SampledFrom([]string{"", "x"}).Draw(t, "reason")}
			}),
			rapid.Custom(func(t *rapid.T) mesh.Event {
				return mesh.ReplicaUpdate{Change: mesh.ReplicaChange(rapid.IntRange(0, 5).Draw(t, "change")), Chain: mesh.ChainID(id.Draw(t, "chain")), Holder: mesh.NodeID(id.Draw(t, "holder"))}
			}),
			rapid.Just[mesh.Event](mesh.LogLine{Message: "x"}),
		).Draw(t, "event")
		e := Entry{
			Index: rapid.Uint64Range(1, 1<<60).Draw(t, "index"), Input: mesh.Heard{Event: event},
			At: mesh.Stamp{At: mesh.Time(span.Draw(t, "at")), Wall: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "wall"), span.Draw(t, "nanos")%1e9)},
		}
		line, ok := p.encode(e)
		if !ok {
			return
		}
		taken++
		want, err := Encode(e)
		if err != nil {
			t.Fatalf("%s, and Encode says %v", line, err)
		}
		if string(line) != string(want) {
			t.Fatalf("got\n%swant\n%s", line, want)
		}
	})
	if taken < 5 { // some twenty, and a random number
		t.Errorf("only %d entries were taken", taken)
	}
}

func BenchmarkEncodeOfAFlood(b *testing.B) {
	e := Entry{Index: 5, At: mesh.Stamp{At: 5e9, Wall: time.Unix(1_800_000_000, 5)}, Input: mesh.Heard{Event: mesh.RTTSample{Peer: 3, RTT: 1234567}}}
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		var p plainEncoder
		for b.Loop() {
			p.encode(e)
		}
	})
	b.Run("protojson", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = Encode(e)
		}
	})
}
