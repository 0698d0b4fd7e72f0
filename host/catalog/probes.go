package catalog

import (
	"context"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// LocalityProbe asks a plugin for round-trip times.
type LocalityProbe struct{ adapter }

// SampleRTT returns what the plugin knows now, without samples that can't be true. The
// error is a *NotReadyError or a *CallError.
func (p *LocalityProbe) SampleRTT(ctx context.Context) (mesh.RTTAnswer, error) {
	out, err := ask(ctx, p.slot, p.slot.pollTimeout(), "LocalityProbe.SampleRtt",
		func(ctx context.Context, conn grpc.ClientConnInterface) (*answers.EncodedRTT, error) {
			out := &answers.EncodedRTT{}
			return out, conn.Invoke(ctx, pluginv1.LocalityProbe_SampleRtt_FullMethodName, &pluginv1.SampleRequest{}, out, grpc.StaticMethod())
		},
		func(answer *answers.EncodedRTT) (mesh.RTTAnswer, answers.Discarded, error) {
			return answer.Samples(p.slot.peers.current(), p.slot.rtt.take)
		})
	if err == nil {
		p.slot.rtt.came(out.Samples, p.slot.opts.Now())
	}
	return out, err
}

// Folded gives the samples of an answer back: their memory may become that of a later answer.
// It need not be called.
func (p *LocalityProbe) Folded(samples []mesh.RTTSample) { p.slot.rtt.folded(samples) }

// HealthProbe asks a plugin for verdicts on the health of peers.
type HealthProbe struct{ adapter }

// SampleHealth returns what the plugin knows now, without samples that can't be true.
// The error is a *NotReadyError or a *CallError.
func (p *HealthProbe) SampleHealth(ctx context.Context) (mesh.HealthAnswer, error) {
	out, err := ask(ctx, p.slot, p.slot.pollTimeout(), "HealthProbe.SampleHealth",
		func(ctx context.Context, conn grpc.ClientConnInterface) (*pluginv1.HealthSamples, error) {
			return pluginv1.NewHealthProbeClient(conn).SampleHealth(ctx, &pluginv1.SampleRequest{})
		},
		func(answer *pluginv1.HealthSamples) (mesh.HealthAnswer, answers.Discarded, error) {
			return answers.Health(answer, p.slot.peers.current())
		})
	if err == nil {
		p.slot.lastHealth.Store(&said[mesh.HealthSample]{out.Samples, p.slot.opts.Now()})
	}
	return out, err
}

// InventoryProbe asks a plugin for inventories of nodes.
type InventoryProbe struct{ adapter }

// SampleInventory returns what the plugin knows now, without inventories that can't be
// true. The error is a *NotReadyError or a *CallError.
func (p *InventoryProbe) SampleInventory(ctx context.Context) (mesh.InventoryAnswer, error) {
	return ask(ctx, p.slot, p.slot.pollTimeout(), "InventoryProbe.SampleInventory",
		func(ctx context.Context, conn grpc.ClientConnInterface) (*pluginv1.InventorySamples, error) {
			return pluginv1.NewInventoryProbeClient(conn).SampleInventory(ctx, &pluginv1.SampleRequest{})
		},
		func(answer *pluginv1.InventorySamples) (mesh.InventoryAnswer, answers.Discarded, error) {
			good, bad := answers.Inventory(answer, p.slot.peers.current())
			return good, bad, nil
		})
}
