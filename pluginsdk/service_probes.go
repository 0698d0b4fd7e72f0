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
	return call(ctx, l.s, func(ctx context.Context, p LocalityProbe) (*pluginv1.RttSamples, error) {
		samples, err := p.SampleRTT(ctx, slices.Clone(l.s.peersNow()))
		if err != nil {
			return nil, err
		}
		out := &pluginv1.RttSamples{Peers: make([]uint64, len(samples)), RttNs: make([]int64, len(samples))}
		for i, s := range samples {
			out.Peers[i], out.RttNs[i] = s.Peer, int64(s.RTT)
		}
		return out, nil
	})
}

type healthService struct {
	pluginv1.UnimplementedHealthProbeServer
	s *Server
}

func (h healthService) SampleHealth(ctx context.Context, _ *pluginv1.SampleRequest) (*pluginv1.HealthSamples, error) {
	return call(ctx, h.s, func(ctx context.Context, p HealthProbe) (*pluginv1.HealthSamples, error) {
		samples, err := p.SampleHealth(ctx, slices.Clone(h.s.peersNow()))
		if err != nil {
			return nil, err
		}
		out := &pluginv1.HealthSamples{
			Peers:  make([]uint64, 0, len(samples)),
			Health: make([]meshosv1.NodeHealth, 0, len(samples)),
		}
		for _, s := range samples {
			if s.Health == 0 { // unknown, which is not a mistake
				continue
			}
			out.Peers, out.Health = append(out.Peers, s.Peer), append(out.Health, healthToWire(s.Health))
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
		samples, err := p.SampleInventory(ctx)
		return &pluginv1.InventorySamples{Samples: samples}, err
	})
}
