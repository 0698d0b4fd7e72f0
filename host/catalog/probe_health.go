package catalog

import (
	"context"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// HealthProbe asks a plugin for verdicts.
type HealthProbe struct{ slot *slot }

// Name is the plugin's, as configured.
func (p *HealthProbe) Name() string { return p.slot.entry.Name }

// SampleHealth gives what the plugin knows now, without what can't be true. The error
// is a *NotReadyError or a *CallError.
func (p *HealthProbe) SampleHealth(ctx context.Context) ([]mesh.HealthSample, error) {
	const method = "HealthProbe.SampleHealth"
	var out []mesh.HealthSample
	err := p.slot.poll(ctx, method, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		answer, err := pluginv1.NewHealthProbeClient(conn).SampleHealth(ctx, &pluginv1.SampleRequest{})
		if err != nil {
			return err
		}
		good, bad, err := checkHealth(answer, p.slot.peers.knownNow())
		if err != nil {
			return p.slot.badAnswer(method, err)
		}
		p.slot.report(method, bad)
		out = good
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
