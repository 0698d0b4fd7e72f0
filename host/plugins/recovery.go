package plugins

import (
	"context"
	"sync"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/mesh"
)

// recoveryPlugin is a plugin that recovers from failed placements.
type recoveryPlugin interface {
	Name() string
	Recover(ctx context.Context, healthy []mesh.NodeID) ([]answers.Event, error)
}

// recovery is such a plugin as the loop calls it: what the plugin answers goes the way of
// all events. Commands among them wait for their turn beside the loop, which must not wait
// for them; until they are taken the plugin is not called again.
type recovery struct {
	recoveryPlugin
	events *eventTaker
	background

	mu     sync.Mutex
	taking bool // an earlier answer is not taken yet
}

// Recover implements loop.RecoveryHandler.
func (r *recovery) Recover(ctx context.Context, healthy []mesh.NodeID) error {
	r.mu.Lock()
	taking := r.taking
	r.mu.Unlock()
	if taking {
		return nil
	}
	events, err := r.recoveryPlugin.Recover(ctx, healthy)
	if err != nil {
		return err
	}
	now, later := untilCommand(events)
	if err := r.events.take(ctx, now); err != nil {
		return err
	}
	if len(later) > 0 {
		r.setTaking(true)
		started := r.start(func(ctx context.Context) {
			defer r.setTaking(false)
			if err := r.events.take(ctx, later); err != nil && ctx.Err() == nil {
				r.events.report(r.events.source, err.Error())
			}
		})
		if !started {
			r.setTaking(false)
		}
	}
	return nil
}

func (r *recovery) setTaking(taking bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taking = taking
}
