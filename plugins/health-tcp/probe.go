package main

import (
	"context"

	"github.com/meshos/meshos/plugins/internal/healthprobe"
	"github.com/meshos/meshos/pluginsdk"
)

// probe is one configured instance.
type probe struct {
	*healthprobe.Prober
	warnings []string
}

func newProbe(env pluginsdk.Env, cfg config) (*probe, error) {
	set := cfg.settings()
	files, err := healthprobe.OpenFileLimit()
	if err != nil {
		return nil, err
	}
	p := &probe{}
	var warning string
	if set.Concurrency, warning = healthprobe.LimitAttempts(set.Concurrency, files); warning != "" {
		p.warnings = append(p.warnings, warning)
	}
	p.Prober = healthprobe.New(set, connector{}.attempt, env.Log)
	return p, nil
}

// SampleHealth returns the current verdicts at once.
func (p *probe) SampleHealth(ctx context.Context, peers []pluginsdk.Peer) ([]pluginsdk.HealthSample, error) {
	samples, complete := p.Health(peers)
	if complete {
		pluginsdk.Complete(ctx)
	}
	return samples, nil
}

// Warnings returns a warning if the limit of open files allows fewer attempts than
// configured.
func (p *probe) Warnings() []string { return p.warnings }
