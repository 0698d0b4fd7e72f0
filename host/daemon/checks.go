package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/meshos/meshos/host/daemon/health"
	"github.com/meshos/meshos/host/mesh"
)

// runChecks checks the daemon's health until ctx ends, as configured. Without a check the
// last published health stays.
func (r *run) runChecks(ctx context.Context) {
	spec := r.spec
	for ctx.Err() == nil {
		checking, stop := context.WithCancel(ctx)
		var checked sync.WaitGroup
		checked.Go(func() { r.runCheck(checking, spec) })
		var next *health.Check
		select {
		case next = <-r.newCheck:
		case <-ctx.Done():
		}
		stop()
		checked.Wait()
		spec.Health = next
	}
}

// runCheck runs one check until ctx ends.
func (r *run) runCheck(ctx context.Context, spec Spec) {
	probe, err := spec.probe(r.m.opts.Spawner)
	if err != nil {
		r.m.publish(mesh.DaemonHealthChanged{Daemon: r.ref(), Health: mesh.DaemonHealth{
			Status: mesh.DaemonDegraded, Reason: "its health can't be checked: " + err.Error(),
		}})
		return
	}
	if probe == nil {
		return
	}
	check := *spec.Health
	check.StartPeriod = max(0, check.StartPeriod-time.Since(r.since))
	publish := func(ev mesh.Event) bool { return r.m.opts.Events.Publish(ctx, ev) == nil }
	health.Watch(ctx, probe, check, health.Phase(spec.Daemon.ID, spec.Health.Interval), health.Callbacks{
		Health: func(h mesh.DaemonHealth) bool {
			return publish(mesh.DaemonHealthChanged{Daemon: r.ref(), Health: h})
		},
		Saturation: func(level float32) bool {
			return publish(mesh.DaemonSaturationChanged{Daemon: r.ref(), Saturation: level})
		},
	})
}
