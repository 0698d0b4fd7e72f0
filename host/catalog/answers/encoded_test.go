package answers

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// judged is all that comes of an encoding.
type judged struct {
	answer    mesh.RTTAnswer
	discarded Discarded
	reported  []string
	failed    string
}

// judge has a codec decode an encoding.
func judge(raw []byte, decode func(c *LenientCodec, data mem.BufferSlice) (mesh.RTTAnswer, Discarded, error)) (j judged) {
	c := NewLenientCodec(func(message string, d Discarded) { j.reported = append(j.reported, fmt.Sprint(message, d.Warnings())) })
	var err error
	if j.answer, j.discarded, err = decode(c, mem.BufferSlice{mem.SliceBuffer(raw)}); err != nil {
		j.failed = err.Error()
	}
	return j
}

// usedMemory returns memory that had other samples before.
func usedMemory(n int) []mesh.RTTSample {
	before := make([]mesh.RTTSample, n)
	for i := range before {
		before[i] = mesh.RTTSample{Peer: 99, RTT: 9, Echoes: mesh.Echoes{Sent: 9, Received: 9, Late: 9, Jitter: 9, Round: 9, Unanswered: 9, NoAnswer: 2, Family: 1, Reason: "before"}}
	}
	return before
}

// wantSame compares an EncodedRTT with what RTT makes of the decoded message.
func wantSame(t *testing.T, raw []byte, peers *Peers) {
	t.Helper()
	want := judge(raw, func(c *LenientCodec, data mem.BufferSlice) (none mesh.RTTAnswer, _ Discarded, _ error) {
		m := &pluginv1.RttSamples{}
		if err := c.Unmarshal(data, m); err != nil {
			return none, Discarded{}, err
		}
		return RTT(m, peers)
	})
	got := judge(raw, func(c *LenientCodec, data mem.BufferSlice) (none mesh.RTTAnswer, _ Discarded, _ error) {
		e := &EncodedRTT{}
		if err := c.Unmarshal(data, e); err != nil {
			return none, Discarded{}, err
		}
		return e.Samples(peers, usedMemory)
	})
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("of %x came\n%+v, not\n%+v", raw, got, want)
	}
}

func randomRTT(r *rand.Rand) *pluginv1.RttSamples {
	n := r.IntN(20) + r.IntN(2)*r.IntN(2*atOnce)
	m := &pluginv1.RttSamples{Complete: r.IntN(2) == 0}
	columns := r.Uint64()
	has := func(column int) bool { return columns>>column&1 == 1 }
	for i := range n {
		m.Peers, m.RttNs = append(m.Peers, uint64(i)+r.Uint64N(3)), append(m.RttNs, r.Int64N(1<<uint(1+r.IntN(40)))-1)
		if has(0) {
			m.Sent, m.Received = append(m.Sent, r.Uint32N(300)), append(m.Received, r.Uint32N(300))
		}
		if has(1) {
			m.JitterNs = append(m.JitterNs, r.Int64N(1<<20)-1)
		}
		if has(2) {
			m.Late = append(m.Late, r.Uint32N(3))
		}
		if has(3) {
			m.Rounds = append(m.Rounds, r.Uint64())
		}
		if has(4) {
			m.Unanswered = append(m.Unanswered, r.Uint32())
		}
		if has(5) {
			m.NoAnswer = append(m.NoAnswer, meshosv1.NoAnswer(r.IntN(7)-1))
		}
		if has(6) {
			m.Families = append(m.Families, meshosv1.AddressFamily(r.IntN(5)-1))
		}
		if has(7) {
			m.Reasons = append(m.Reasons, []string{"", "timed out", "an ä", "a\x1b[31mred"}[r.IntN(4)])
		}
	}
	if has(8) && has(9) && n > 0 {
		m.RttNs = m.RttNs[1:] // columns of other lengths
	}
	return m
}

func sparsePeers() *Peers {
	var all []*pluginv1.Peer
	for n := range uint64(3 * atOnce) {
		if n%7 != 3 {
			all = append(all, &pluginv1.Peer{Id: n})
		}
	}
	return NewPeers(1, all)
}

func TestAnEncodedAnswerIsJudgedAsADecodedOne(t *testing.T) {
	t.Parallel()
	r, peers := rand.New(rand.NewPCG(3, 4)), sparsePeers()
	for range 300 {
		raw, err := proto.Marshal(randomRTT(r))
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, raw, peers)
		for range 20 { // and some that are not as they should be
			broken := append([]byte(nil), raw...)
			for range r.IntN(3) {
				if len(broken) > 0 {
					broken[r.IntN(len(broken))] = byte(r.Uint32())
				}
			}
			wantSame(t, broken[:r.IntN(len(broken)+1)], peers)
		}
	}
}

func TestUnusualEncodingsAreDecodedAsEver(t *testing.T) {
	t.Parallel()
	usual, err := proto.Marshal(&pluginv1.RttSamples{Peers: []uint64{4, 5}, RttNs: []int64{1000, 2000}})
	if err != nil {
		t.Fatal(err)
	}
	packed := func(field protowire.Number, body ...byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), body)
	}
	long := []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}
	for name, more := range map[string][]byte{
		"one by one":         protowire.AppendVarint(protowire.AppendTag(nil, 4, protowire.VarintType), 7),
		"a second part":      append(packed(4, 1), packed(4, 1)...),
		"an empty column":    packed(4),
		"a field of later":   packed(99, 1, 2),
		"a low one of later": packed(13, 1),
		"not UTF-8":          append(packed(7, 0xff), packed(7, 'a')...),
		"too few texts":      packed(7, 'a'),
		"texts apart":        append(append(packed(7, 'a'), packed(4, 1, 1)...), packed(7, 'b')...),
		"no end of a number": packed(4, 1, 0x80),
		"the longest number": packed(9, append(long, 1)...),
		"too long a number":  packed(9, append(append([]byte{0x80}, long...), 1)...),
		"more than a length": {4<<3 | 2, 9, 1},
		"a group":            protowire.AppendTag(protowire.AppendTag(nil, 4, protowire.StartGroupType), 4, protowire.EndGroupType),
	} {
		t.Run(name, func(t *testing.T) { wantSame(t, append(append([]byte(nil), usual...), more...), sparsePeers()) })
	}
}

// BenchmarkEncodedRTT is what 10,000 peers cost at every tick.
func BenchmarkEncodedRTT(b *testing.B) {
	in := &pluginv1.RttSamples{}
	var all []*pluginv1.Peer
	for n := range uint64(10000) {
		in.Peers, in.RttNs = append(in.Peers, n+2), append(in.RttNs, 1_000_000+int64(n))
		in.Sent, in.Received, in.JitterNs, in.Rounds = append(in.Sent, 20), append(in.Received, 20), append(in.JitterNs, 1000+int64(n)), append(in.Rounds, 7)
		all = append(all, &pluginv1.Peer{Id: n + 2})
	}
	raw, err := proto.Marshal(in)
	if err != nil {
		b.Fatal(err)
	}
	peers, c := NewPeers(1, all), NewLenientCodec(nil)
	b.ReportAllocs()
	for b.Loop() {
		e := &EncodedRTT{}
		if err := c.Unmarshal(mem.BufferSlice{mem.SliceBuffer(raw)}, e); err != nil {
			b.Fatal(err)
		}
		if got, _, _ := e.Samples(peers, usedMemory); len(got.Samples) != 10000 {
			b.Fatal(len(got.Samples))
		}
	}
}
