package catalog

import (
	"context"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// LocalityProbe asks a plugin for round-trip times.
type LocalityProbe struct{ slot *slot }

// Name is the plugin's, as configured.
func (p *LocalityProbe) Name() string { return p.slot.entry.Name }

// SampleRTT gives what the plugin knows now, without what can't be true. The error
// is a *NotReadyError or a *CallError.
func (p *LocalityProbe) SampleRTT(ctx context.Context) ([]mesh.RTTSample, error) {
	const method = "LocalityProbe.SampleRtt"
	var out []mesh.RTTSample
	err := p.slot.poll(ctx, method, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		answer, err := pluginv1.NewLocalityProbeClient(conn).SampleRtt(ctx, &pluginv1.SampleRequest{})
		if err != nil {
			return err
		}
		good, bad, err := checkRTT(answer, p.slot.peers.knownNow())
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
