package daemon

import (
	"context"
	"slices"
	"sync"

	"github.com/meshos/meshos/host/daemon/health"
	"github.com/meshos/meshos/host/mesh"
)

// reconfigure applies a changed configuration to a daemon that has a process: how its health
// is checked changes at once, everything else with its next start.
func (r *run) reconfigure(old, now Spec) {
	if hash := now.hash(); hash != old.hash() && hash != r.hash {
		r.noteOldSpec()
	}
	if sameCheck(old.Health, now.Health) {
		return
	}
	select {
	case <-r.newCheck:
	default:
	}
	r.newCheck <- now.Health // never blocks: nobody else sends
}

// ref returns the daemon with its present label, which may differ from the one that it was
// started with.
func (r *run) ref() mesh.DaemonRef {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	if spec, known := r.m.specs[r.spec.Daemon.ID]; known {
		return spec.Daemon
	}
	return r.spec.Daemon
}

// noteOldSpec logs that the process runs with an older configuration.
func (r *run) noteOldSpec() {
	r.out.note(mesh.LevelWarn, "it runs with the command, env and dir that it was started with; the changed ones hold from its next start")
}

func sameCheck(a, b *health.Check) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Type == b.Type && a.Target == b.Target && slices.Equal(a.Command, b.Command) &&
		a.Interval == b.Interval && a.Timeout == b.Timeout && a.Thresholds == b.Thresholds
}

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
	publish := func(ev mesh.Event) bool { return r.m.opts.Events.Publish(ctx, ev) == nil }
	health.Watch(ctx, probe, *spec.Health, health.Phase(spec.Daemon.ID, spec.Health.Interval), health.Callbacks{
		Health: func(h mesh.DaemonHealth) bool {
			return publish(mesh.DaemonHealthChanged{Daemon: r.ref(), Health: h})
		},
		Saturation: func(level float32) bool {
			return publish(mesh.DaemonSaturationChanged{Daemon: r.ref(), Saturation: level})
		},
	})
}
