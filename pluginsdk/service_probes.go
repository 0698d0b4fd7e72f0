package pluginsdk

import (
	"context"
	"slices"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

type localityService struct {
	pluginv1.UnimplementedLocalityProbeServer
	s *Server
}

func (l localityService) SampleRtt(ctx context.Context, _ *pluginv1.SampleRequest) (*pluginv1.RttSamples, error) {
	samples, complete, err := l.sample(ctx)
	if err != nil {
		return nil, err
	}
	if out := encodeRTT(samples, complete); out != nil {
		return out, nil
	}
	return rttToWire(samples, complete), nil
}

// sample asks the author's code.
func (l localityService) sample(ctx context.Context) (samples []RTTSample, complete bool, err error) {
	defer l.s.copyPeersAhead()
	samples, err = call(ctx, l.s, func(ctx context.Context, p LocalityProbe) ([]RTTSample, error) {
		ctx, said := withComplete(ctx)
		samples, err := p.SampleRTT(ctx, l.s.peersForCall())
		complete = *said
		return samples, err
	})
	return samples, complete, err
}

// rttToWire leaves out the columns that no sample needs.
func rttToWire(samples []RTTSample, complete bool) *pluginv1.RttSamples {
	n := len(samples)
	out := &pluginv1.RttSamples{Peers: make([]uint64, n), RttNs: make([]int64, n), Complete: complete}
	for i, s := range samples {
		out.Peers[i], out.RttNs[i] = s.Peer, int64(s.RTT)
		set(&out.Sent, n, i, s.Sent)
		set(&out.Received, n, i, s.Received)
		set(&out.JitterNs, n, i, int64(s.Jitter))
		set(&out.Reasons, n, i, reasonOf(&s))
		set(&out.Late, n, i, s.Late)
		set(&out.Rounds, n, i, s.Round)
		set(&out.Unanswered, n, i, s.Unanswered)
		set(&out.NoAnswer, n, i, meshosv1.NoAnswer(s.NoAnswer))
		set(&out.Families, n, i, meshosv1.AddressFamily(s.Family))
	}
	return out
}

// set stores value i of a column of n values. The column stays nil as long as all values
// are zero.
func set[T comparable](column *[]T, n, i int, value T) {
	var zero T
	if value == zero {
		return
	}
	if *column == nil {
		*column = make([]T, n)
	}
	(*column)[i] = value
}

type healthService struct {
	pluginv1.UnimplementedHealthProbeServer
	s *Server
}

func (h healthService) SampleHealth(ctx context.Context, _ *pluginv1.SampleRequest) (*pluginv1.HealthSamples, error) {
	return call(ctx, h.s, func(ctx context.Context, p HealthProbe) (*pluginv1.HealthSamples, error) {
		ctx, complete := withComplete(ctx)
		defer h.s.copyPeersAhead()
		samples, err := p.SampleHealth(ctx, h.s.peersForCall())
		if err != nil {
			return nil, err
		}
		// One of unknown health is not a mistake.
		samples = slices.DeleteFunc(slices.Clone(samples), func(s HealthSample) bool { return s.Health == 0 })
		out := &pluginv1.HealthSamples{
			Peers:    make([]uint64, len(samples)),
			Health:   make([]meshosv1.NodeHealth, len(samples)),
			Complete: *complete,
		}
		for i, s := range samples {
			out.Peers[i], out.Health[i] = s.Peer, healthToWire(s.Health)
			set(&out.Reasons, len(samples), i, s.Reason)
			set(&out.Families, len(samples), i, meshosv1.AddressFamily(s.Family))
		}
		return out, nil
	})
}

func healthToWire(h Health) meshosv1.NodeHealth {
	switch h {
	case Healthy:
		return meshosv1.NodeHealth_NODE_HEALTH_HEALTHY
	case Degraded:
		return meshosv1.NodeHealth_NODE_HEALTH_DEGRADED
	case Unreachable:
		return meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE
	default:
		return meshosv1.NodeHealth_NODE_HEALTH_UNSPECIFIED
	}
}

type inventoryService struct {
	pluginv1.UnimplementedInventoryProbeServer
	s *Server
}

func (i inventoryService) SampleInventory(ctx context.Context, _ *pluginv1.SampleRequest) (*pluginv1.InventorySamples, error) {
	return call(ctx, i.s, func(ctx context.Context, p InventoryProbe) (*pluginv1.InventorySamples, error) {
		ctx, complete := withComplete(ctx)
		samples, err := p.SampleInventory(ctx)
		return &pluginv1.InventorySamples{Samples: samples, Complete: *complete}, err
	})
}
