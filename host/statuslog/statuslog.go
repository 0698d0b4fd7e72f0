// Package statuslog writes to the process's own log what a person who watches a node
// wants to know: plugins that change their status, actions that ended, failures.
//
// It reads snapshots and decides nothing. The node's own log records are not written
// here.
package statuslog

import (
	"context"
	"log/slog"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// StatusLog follows one node's snapshots.
type StatusLog struct {
	log      *slog.Logger
	statuses map[string]snapshot.PluginStatus
	actions  uint64 // seq of the newest action record that was logged
	failures uint64 // seq of the newest failure record that was logged
}

// New returns a status log that writes to log.
func New(log *slog.Logger) *StatusLog {
	return &StatusLog{log: log, statuses: make(map[string]snapshot.PluginStatus)}
}

// Run logs the changes between snapshots until ctx ends, and those of the last
// snapshot then.
func (l *StatusLog) Run(ctx context.Context, source follow.Source) {
	for s := range follow.Snapshots(ctx, source) {
		l.write(s)
	}
	l.write(source.Latest())
}

// write logs what s has that was not logged before.
func (l *StatusLog) write(s *snapshot.Snapshot) {
	for _, p := range s.Plugins {
		l.plugin(p)
	}
	for _, a := range s.Actions {
		if a.Seq > l.actions {
			l.actions = a.Seq
			// One that failed is logged below, as a failure.
			if a.End == mesh.ActionDispatched {
				l.log.Info("action done", "id", uint64(a.ID), "kind", a.Action.Kind(), "subject", a.Action.Key().Subject)
			}
		}
	}
	for _, f := range s.Failures {
		if f.Seq > l.failures {
			l.failures = f.Seq
			l.log.Warn("failure", "source", f.Source, "reason", f.Reason)
		}
	}
}

func (l *StatusLog) plugin(p snapshot.Plugin) {
	if before, known := l.statuses[p.Name]; known && before == p.Status {
		return
	}
	l.statuses[p.Name] = p.Status
	attrs := []any{"plugin", p.Name}
	if p.Message != "" {
		attrs = append(attrs, "why", p.Message)
	}
	switch p.Status {
	case snapshot.PluginReady:
		l.log.Info("plugin ready", append(attrs, "version", p.Version, "pid", p.PID)...)
	case snapshot.PluginLagging:
		l.log.Warn("plugin lags", attrs...)
	case snapshot.PluginBackingOff:
		l.log.Warn("plugin is started again soon", attrs...)
	case snapshot.PluginQuarantined:
		l.log.Error("plugin is quarantined", attrs...)
	case snapshot.PluginRejected:
		l.log.Error("plugin is rejected", attrs...)
	case snapshot.PluginDisabled:
		l.log.Info("plugin is disabled", attrs...)
	case snapshot.PluginStarting:
		l.log.Debug("plugin is starting", attrs...)
	}
}
