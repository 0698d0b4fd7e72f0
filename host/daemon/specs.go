package daemon

import (
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/daemon/health"
)

// Specs returns how the daemons of a configuration are run.
func Specs(daemons []config.Daemon) (out []Spec) {
	for _, d := range daemons {
		spec := Spec{Daemon: d.Ref(), Command: d.Command, Env: d.Env, Sources: d.Sources, Dir: d.Dir, Stop: d.Stop, Limits: d.Limits, RunAs: d.RunAs, PreStart: d.PreStart, PostStop: d.PostStop, Node: d.Node}
		if h := d.Health; h != nil {
			spec.Health = &health.Check{
				Type: h.Type, Target: h.Target, Command: h.Command, Interval: h.Interval, Timeout: h.Timeout,
				Thresholds: health.Thresholds{Failures: h.Failures, Successes: h.Successes},
			}
		}
		out = append(out, spec)
	}
	return out
}
