package host

import (
	"context"
	"log/slog"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// narrator tells the process's own log what a person who watches it wants to
// know: plugins that change their status, actions that ended, failures.
type narrator struct {
	log      *slog.Logger
	statuses map[string]snapshot.PluginStatus
	actions  uint64 // seq of the newest record told
	failures uint64
}

func newNarrator(log *slog.Logger) *narrator {
	return &narrator{log: log, statuses: make(map[string]snapshot.PluginStatus)}
}

// follow tells of each snapshot until ctx ends, and of the last one then.
func (n *narrator) follow(ctx context.Context, latest func() *snapshot.Snapshot, changed func() <-chan struct{}) {
	for {
		next := changed()
		n.tell(latest())
		select {
		case <-next:
		case <-ctx.Done():
			n.tell(latest())
			return
		}
	}
}

func (n *narrator) tell(s *snapshot.Snapshot) {
	for _, p := range s.Plugins {
		n.plugin(p)
	}
	for _, a := range s.Actions {
		if a.Seq > n.actions {
			n.actions = a.Seq
			// One that failed is told below, as the failure that it is.
			if a.End == mesh.ActionDispatched {
				n.log.Info("action done", "id", uint64(a.ID), "kind", a.Action.Kind(), "subject", a.Action.Key().Subject)
			}
		}
	}
	for _, f := range s.Failures {
		if f.Seq > n.failures {
			n.failures = f.Seq
			n.log.Warn("failure", "source", f.Source, "reason", f.Reason)
		}
	}
}

func (n *narrator) plugin(p snapshot.Plugin) {
	if before, known := n.statuses[p.Name]; known && before == p.Status {
		return
	}
	n.statuses[p.Name] = p.Status
	attrs := []any{"plugin", p.Name}
	if p.Message != "" {
		attrs = append(attrs, "why", p.Message)
	}
	switch p.Status {
	case snapshot.PluginReady:
		n.log.Info("plugin ready", append(attrs, "version", p.Version, "pid", p.PID)...)
	case snapshot.PluginLagging:
		n.log.Warn("plugin lags", attrs...)
	case snapshot.PluginBackingOff:
		n.log.Warn("plugin is started again soon", attrs...)
	case snapshot.PluginQuarantined:
		n.log.Error("plugin is quarantined", attrs...)
	case snapshot.PluginRejected:
		n.log.Error("plugin is rejected", attrs...)
	case snapshot.PluginDisabled:
		n.log.Info("plugin is disabled", attrs...)
	case snapshot.PluginStarting:
		n.log.Debug("plugin is starting", attrs...)
	}
}
