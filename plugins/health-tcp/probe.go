package main

import (
	"context"

	"github.com/meshos/meshos/pluginsdk"
)

// probe is one configured instance.
type probe struct {
	*Prober
	warnings []string
}

func newProbe(env pluginsdk.Env, cfg config) (*probe, error) {
	set := cfg.settings()
	files, err := openFileLimit()
	if err != nil {
		return nil, err
	}
	p := &probe{}
	var warning string
	if set.concurrency, warning = limitAttempts(set.concurrency, files); warning != "" {
		p.warnings = append(p.warnings, warning)
	}
	p.Prober = newProber(set, dialer{}.dial, env.Log)
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
