package pluginsdk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/types/known/durationpb"

	"google.golang.org/grpc/codes"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// ProbeRequest is what is asked of a NowProber.
type ProbeRequest struct {
	// PathMTU asks how large a packet to the peer may be. A probe that can't measure that
	// ignores it.
	PathMTU bool
}

// ProbeResult is what one round found. Everything in it is optional.
type ProbeResult struct {
	// RTT is the round-trip time of this round alone, or why there is none.
	RTT *RTTSample
	// Health is the health as of this round alone.
	Health *HealthSample
	// Details are what else was found, for people.
	Details []ProbeDetail
	// PathMTU is set only if it was asked for.
	PathMTU *PathMTU
}

// ProbeDetail is something that a probe found, such as "address" and "10.0.0.2".
type ProbeDetail struct{ Name, Value string }

// PathMTU is how large a packet to a peer may be.
type PathMTU struct {
	// Bytes is the size of the largest packet that was answered, with its IP header. 0 means
	// unknown.
	Bytes int
	// Reason is why it is unknown, or what else is to be said of it.
	Reason string
}

// ProbeNow serves instances that are a NowProber.
func (p pluginService) ProbeNow(ctx context.Context, req *pluginv1.ProbeNowRequest) (*meshosv1.ProbeResult, error) {
	return call(ctx, p.s, func(ctx context.Context, value any) (*meshosv1.ProbeResult, error) {
		prober, ok := value.(NowProber)
		if !ok {
			return nil, withCode(codes.Unimplemented, errors.New("this plugin measures in the background only"), 0)
		}
		peers := p.s.peersNow()
		i := slices.IndexFunc(peers, func(peer Peer) bool { return peer.ID == req.GetPeer() })
		if i < 0 {
			return nil, NotFound(fmt.Errorf("there is no peer %d", req.GetPeer()))
		}
		result, err := prober.ProbeNow(ctx, peers[i], ProbeRequest{PathMTU: req.GetPathMtu()})
		if err != nil {
			return nil, err
		}
		return result.toWire(req.GetPeer()), nil
	})
}

func (r ProbeResult) toWire(peer uint64) *meshosv1.ProbeResult {
	out := &meshosv1.ProbeResult{}
	if s := r.RTT; s != nil {
		out.Rtt = &meshosv1.RttSample{
			Peer: peer, Sent: s.Sent, Received: s.Received, Late: s.Late, Round: s.Round, Unanswered: s.Unanswered,
			NoAnswer: meshosv1.NoAnswer(s.NoAnswer), Reason: cmp.Or(s.Reason, s.NoAnswer.String()),
			Family: meshosv1.AddressFamily(s.Family),
		}
		if s.RTT > 0 {
			out.Rtt.Rtt = durationpb.New(s.RTT)
		}
		if s.Received > 1 {
			out.Rtt.Jitter = durationpb.New(s.Jitter)
		}
	}
	if h := r.Health; h != nil {
		out.Health = &meshosv1.NodeHealthSample{Peer: peer, Health: healthToWire(h.Health), Reason: h.Reason, Family: meshosv1.AddressFamily(h.Family)}
	}
	for _, d := range r.Details {
		out.Details = append(out.Details, &meshosv1.ProbeDetail{Name: d.Name, Value: d.Value})
	}
	if m := r.PathMTU; m != nil {
		out.PathMtu = &meshosv1.PathMtu{Bytes: uint32(max(0, m.Bytes)), Reason: m.Reason}
	}
	return out
}
