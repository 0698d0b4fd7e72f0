package pluginsdk

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
)

// randomSamples returns samples of which some have everything and others next to nothing.
func randomSamples(r *rand.Rand) []RTTSample {
	out := make([]RTTSample, r.IntN(50)+r.IntN(2)*r.IntN(3*atOnce))
	small := func(of uint64) uint64 { return r.Uint64N(of) * r.Uint64N(2) }
	columns := r.Uint64()
	has := func(n int, v uint64) uint64 { return v * (columns >> n & 1) }
	for i := range out {
		out[i] = RTTSample{
			Peer: r.Uint64(), RTT: time.Duration(small(1 << 40)), Sent: uint32(has(0, small(1<<32))), Received: uint32(has(1, small(200))),
			Late: uint32(has(2, small(200))), Jitter: time.Duration(has(3, small(1<<30))), Round: has(4, r.Uint64()), Unanswered: uint32(has(5, small(9))),
			NoAnswer: NoAnswer(has(6, small(5))), Family: Family(has(7, small(3))),
		}
		if has(8, small(2)) == 1 {
			out[i].Reason = "an ä reason"
		}
		if has(9, 1) == 1 {
			out[i].RTT = -out[i].RTT // a mistake, which the host discards
		}
	}
	return out
}

func TestAnAnswerIsEncodedAsTheGeneratedCodeDoes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		samples, complete := randomSamples(r), r.IntN(2) == 0
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(rttToWire(samples, complete))
		if err != nil {
			t.Fatal(err)
		}
		got := encodeRTT(samples, complete)
		if raw := encodedOf(got); len(want) > 0 && !bytes.Equal(raw, want) {
			t.Fatalf("%+v is encoded as\n%x, not\n%x", samples, raw, want)
		}
		if sent, err := newUTF8Codec().Marshal(encodedOf(got)); err != nil || !bytes.Equal(sent.Materialize(), want) {
			t.Fatalf("sent is %x, %v", sent, err)
		}
	}
}

func TestATextThatIsNotUTF8IsForTheCodecToName(t *testing.T) {
	t.Parallel()
	if out := encodeRTT([]RTTSample{{Peer: 2, Reason: "\xff"}}, true); out != nil {
		t.Errorf("it is encoded as %v", out)
	}
}

func TestACallGetsPeersOfItsOwn(t *testing.T) {
	t.Parallel()
	s := &Server{peers: make([]Peer, spareFrom)}
	for i := range s.peers {
		s.peers[i].ID = uint64(i + 1)
	}
	for range 3 {
		got := s.peersForCall()
		for i := range got {
			if got[i].ID != uint64(i+1) {
				t.Fatalf("peer %d is %v", i, got[i])
			}
			got[i].ID = 0 // it belongs to the author
		}
		s.copyPeersAhead()
		s.copying.Wait()
	}
	s.copyPeersAhead()
	s.copying.Wait()
	s.peers = []Peer{{ID: 7}}
	if got := s.peersForCall(); len(got) != 1 || got[0].ID != 7 {
		t.Errorf("after other peers came it gets %d", len(got))
	}
}

func TestProbesThatOnlyReadThePeersShareThem(t *testing.T) {
	t.Parallel()
	s := &Server{info: Info{SharedPeers: true}, peers: make([]Peer, spareFrom)}
	one := s.peersForCall()
	s.copyPeersAhead()
	s.copying.Wait()
	if two := s.peersForCall(); s.spare.peers != nil || &one[0] != &two[0] || cap(one) != len(one) {
		t.Error("they are copied")
	}
}

// An answer is sent later than it is made, and the next one must not be written over it.
func TestTheMemoryOfAnAnswerIsUsedAgainOnceItIsSent(t *testing.T) {
	t.Parallel()
	samples := func(peer uint64) (out []RTTSample) {
		for range 300 {
			out = append(out, RTTSample{Peer: peer, RTT: 1})
		}
		return out
	}
	one := encodedOf(encodeRTT(samples(2), true)).buffers()
	want := one.Materialize()
	for range 3 {
		other := encodedOf(encodeRTT(samples(3), true)).buffers()
		if !bytes.Equal(one.Materialize(), want) {
			t.Fatal("an answer is written over that was not sent")
		}
		other.Free()
	}
	one.Free()
}
