package main

import (
	"context"
	"sync"

	"github.com/meshos/meshos/plugins/internal/healthprobe"
	"github.com/meshos/meshos/pluginsdk"
)

// probe is one configured instance.
type probe struct {
	*healthprobe.Prober
	trust    *trust
	warnings []string
}

func newProbe(env pluginsdk.Env, cfg config) (*probe, error) {
	set := cfg.settings()
	files, err := healthprobe.OpenFileLimit()
	if err != nil {
		return nil, err
	}
	check := &checker{}
	if check.accepts, err = cfg.acceptance(); err != nil {
		return nil, err
	}
	if check.trust, err = newTrust(cfg, env.Log); err != nil {
		return nil, err
	}
	p := &probe{trust: check.trust}
	var warning string
	if set.Concurrency, warning = healthprobe.LimitAttempts(set.Concurrency, files); warning != "" {
		p.warnings = append(p.warnings, warning)
	}
	p.Prober = healthprobe.New(set, check.attempt, env.Log)
	return p, nil
}

// checker attempts targets.
type checker struct {
	dialer  healthprobe.Dialer
	trust   *trust
	accepts acceptance
}

// attempt is a healthprobe.AttemptFunc.
func (c *checker) attempt(ctx context.Context, text string, via healthprobe.Route) healthprobe.Attempt {
	t, err := parseTarget(text)
	if err != nil {
		return healthprobe.Attempt{Err: err}
	}
	if t.scheme == schemeGRPC || t.scheme == schemeGRPCS {
		return c.askGRPC(ctx, t, via)
	}
	return c.askHTTP(ctx, t, via)
}

// Run attempts the targets, and follows ca_file, until ctx ends.
func (p *probe) Run(ctx context.Context) error {
	var following sync.WaitGroup
	defer following.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	following.Go(func() { p.trust.follow(ctx) })
	return p.Prober.Run(ctx)
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
