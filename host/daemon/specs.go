package daemon

import (
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/daemon/health"
)

// Specs returns how the daemons of a configuration are run.
func Specs(cfg *config.Config) (out []Spec) {
	for _, d := range cfg.Daemons {
		spec := Spec{
			Daemon: d.Ref(), Command: d.Command, Env: d.Env, Sources: d.Sources, Dir: d.Dir, Stop: d.Stop, Limits: d.Limits, RunAs: d.RunAs,
			PreStart: d.PreStart, PostStop: d.PostStop, Node: d.Node, Restart: d.Restart, Before: cfg.Before(d),
		}
		spec.StableRun = cfg.Restart.StableRun
		if own := d.Gate.StableRun; own != nil {
			spec.StableRun = *own
		}
		spec.ReloadSignal, spec.ReloadCommand = d.ReloadSignal, d.ReloadCommand
		if h := d.Health; h != nil {
			spec.Health = &health.Check{
				Type: h.Type, Target: h.Target, Command: h.Command, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod,
				Thresholds: health.Thresholds{Failures: h.Failures, Successes: h.Successes},
			}
		}
		out = append(out, spec)
	}
	return out
}
