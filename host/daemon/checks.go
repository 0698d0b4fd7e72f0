package daemon

import (
	"context"
	"slices"
	"sync"

	"github.com/meshos/meshos/host/daemon/health"
	"github.com/meshos/meshos/host/mesh"
)

// reconfigure takes over what another configuration says of a daemon that has a
// process: how its health is asked for. The rest holds from its next start.
func (r *run) reconfigure(old, now Spec) {
	if hash := now.hash(); hash != old.hash() && hash != r.hash {
		r.sayKept()
	}
	if sameCheck(old.Health, now.Health) {
		return
	}
	select {
	case <-r.check:
	default:
	}
	r.check <- now.Health // there is room, since nobody else sends
}

// named gives the daemon with its present label, which may be another than it was
// started with.
func (r *run) named() mesh.DaemonRef {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	if spec, known := r.m.specs[r.spec.Daemon.ID]; known {
		return spec.Daemon
	}
	return r.spec.Daemon
}

// sayKept says that the process is not what the configuration says.
func (r *run) sayKept() {
	r.out.say(mesh.LevelWarn, "it runs with what it was started with; the configuration says something else by now, which holds from its next start")
}

func sameCheck(a, b *health.Check) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Type == b.Type && a.Target == b.Target && slices.Equal(a.Command, b.Command) &&
		a.Interval == b.Interval && a.Timeout == b.Timeout && a.Thresholds == b.Thresholds
}

// checks asks for the daemon's health until ctx ends, as the configuration says.
// Without a check what was told last stays.
func (r *run) checks(ctx context.Context) {
	spec := r.spec
	for ctx.Err() == nil {
		asking, stop := context.WithCancel(ctx)
		var asked sync.WaitGroup
		asked.Go(func() { r.ask(asking, spec) })
		var next *health.Check
		select {
		case next = <-r.check:
		case <-ctx.Done():
		}
		stop()
		asked.Wait()
		spec.Health = next
	}
}

// ask asks by one check until ctx ends.
func (r *run) ask(ctx context.Context, spec Spec) {
	probe, err := spec.probe(r.m.opts.Spawner)
	if err != nil {
		r.m.tell(mesh.DaemonHealthChanged{Daemon: r.named(), Health: mesh.DaemonHealth{
			Status: mesh.DaemonDegraded, Reason: "its health can't be asked for: " + err.Error(),
		}})
		return
	}
	if probe == nil {
		return
	}
	take := func(ev mesh.Event) bool { return r.m.opts.Events.Publish(ctx, ev) == nil }
	health.Watch(ctx, probe, *spec.Health, health.Phase(spec.Daemon.ID, spec.Health.Interval), health.Told{
		Health: func(h mesh.DaemonHealth) bool {
			return take(mesh.DaemonHealthChanged{Daemon: r.named(), Health: h})
		},
		Saturation: func(level float32) bool {
			return take(mesh.DaemonSaturationChanged{Daemon: r.named(), Saturation: level})
		},
	})
}
