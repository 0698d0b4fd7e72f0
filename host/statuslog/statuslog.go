// Package statuslog writes to the process's own log what a person who watches a node
// wants to know: plugins that change their status, peers that change their health, actions
// that ended, failures. Many changes of a kind at one time are one line, with their number and
// examples.
//
// It reads snapshots and decides nothing. The node's own log records are not written
// here.
package statuslog

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/logkinds"
)

// StatusLog follows one node's snapshots.
type StatusLog struct {
	log      *slog.Logger
	statuses map[string]snapshot.PluginStatus
	actions  uint64 // seq of the newest action record that was logged
	failures uint64 // seq of the newest failure record that was logged
	peers    peers
}

// New returns a status log that writes to log.
func New(log *slog.Logger) *StatusLog {
	return &StatusLog{log: log, statuses: make(map[string]snapshot.PluginStatus), peers: peers{log: log, now: time.Now}}
}

// Run logs the changes between snapshots until ctx ends, and those of the last
// snapshot then.
func (l *StatusLog) Run(ctx context.Context, source follow.Source) {
	for s := range follow.Snapshots(ctx, source) {
		l.write(s)
		l.peers.write(s, false)
	}
	last := source.Latest()
	l.write(last)
	l.peers.write(last, true)
}

// write logs what s has that was not logged before.
func (l *StatusLog) write(s *snapshot.Snapshot) {
	for _, p := range s.Plugins {
		l.plugin(p)
	}
	var done []mesh.ActionRecord
	for _, a := range s.Actions {
		if a.Seq > l.actions {
			l.actions = a.Seq
			// One that failed is logged below, as a failure.
			if a.End == mesh.ActionDispatched {
				done = append(done, a)
			}
		}
	}
	for _, of := range grouped(done, func(a mesh.ActionRecord) string { return a.Action.Kind() }) {
		l.done(of)
	}
	var failed []mesh.FailureRecord
	for _, f := range s.Failures {
		if f.Seq > l.failures {
			l.failures = f.Seq
			failed = append(failed, f)
		}
	}
	for _, of := range grouped(failed, func(f mesh.FailureRecord) string { return f.Source }) {
		l.failed(of)
	}
}

// grouped returns items in groups of the same key, in the order of the first of each.
func grouped[T any](items []T, key func(T) string) (out [][]T) {
	at := make(map[string]int)
	for _, item := range items {
		i, known := at[key(item)]
		if !known {
			i = len(out)
			at[key(item)] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], item)
	}
	return out
}

// done logs actions of one kind that were done at one time.
func (l *StatusLog) done(of []mesh.ActionRecord) {
	if len(of) < many {
		for _, a := range of {
			l.log.Info("action done", "id", uint64(a.ID), "kind", a.Action.Kind(), "subject", a.Action.Key().Subject)
		}
		return
	}
	var subjects []string
	for _, a := range of[:many-1] {
		subjects = append(subjects, strconv.FormatUint(a.Action.Key().Subject, 10))
	}
	l.log.Info("actions done", "kind", of[0].Action.Kind(), "count", len(of), "examples", strings.Join(subjects, ", "), "all", "meshos actions")
}

// failed logs failures of one source at one time.
func (l *StatusLog) failed(of []mesh.FailureRecord) {
	if len(of) < many {
		for _, f := range of {
			l.log.Warn("failure", "source", f.Source, "reason", f.Reason)
		}
		return
	}
	var reasons logkinds.Tally
	for _, f := range of {
		reasons.Add(f.Reason, 1)
	}
	l.log.Warn("failures", "source", of[0].Source, "count", len(of), "reasons", reasons.String(), "example", of[0].Reason, "all", "meshos failures")
}

// many is from how many changes of a kind at one time on one line stands for all.
const many = 4

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
