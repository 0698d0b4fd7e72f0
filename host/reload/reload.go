package reload

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/signers"
)

// stepTimeout bounds how long each step of a reload may wait for the loop or for
// plugins.
const stepTimeout = 10 * time.Second

// Parts are what a reload changes.
type Parts struct {
	Signers Signers
	Intake  Intake
	Daemons interface{ Configure(specs []daemon.Spec) }
	Loop    interface {
		Reload(ctx context.Context, r mesh.Reload) error
	}
	Plugins Plugins
	// Report records a failure; it does not wait.
	Report func(source, reason string)
	// Began, if set, is called when a reload begins, and Ended with what became of it.
	Began func()
	Ended func(Result)
	Log   *slog.Logger
	// Apart, if set, returns where a configuration differs from what the mesh says.
	Apart func(*config.Config) []config.Problem
}

// Signers are the operators' keys.
type Signers interface {
	HasOperators() bool
	ReloadSigners() ([]signers.Change, error)
}

// Intake has changes of the operators' keys audited.
type Intake interface {
	SignerChange(ctx context.Context, c mesh.SignerChange) error
}

// Plugins are the running plugins.
type Plugins interface {
	SetPeers(ctx context.Context, peers []config.Peer) error
	// Change hands over what can change of an entry while the plugin runs: all of it is
	// refused, or its configuration alone by the plugin.
	Change(ctx context.Context, next config.Plugin) (entry, config error)
	// Retry starts at once what is down.
	Retry()
}

// Result is what became of a reload.
type Result struct {
	TakenOver    []config.Difference
	NeedsRestart []config.Difference // in force as it was until the node is restarted
	Kept         []string            // plugins that keep their configuration, and why
	Warnings     []string
	Rejected     string // the mistakes of the file: nothing was taken over then
}

// Reloader reloads the configuration of one node.
type Reloader struct {
	parts    Parts
	current  *config.Config     // what the node runs on
	requests chan chan<- Result // unbuffered: a successful send means that Run reloads now
}

// New returns a reloader of a node that was started with cfg.
func New(cfg *config.Config, parts Parts) *Reloader {
	return &Reloader{parts: parts, current: cfg, requests: make(chan chan<- Result)}
}

// Run reloads whenever a signal comes or Reload is called, until ctx ends.
func (r *Reloader) Run(ctx context.Context, asked <-chan os.Signal) {
	for {
		select {
		case <-asked:
			r.reload(ctx)
		case done := <-r.requests:
			done <- r.reload(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// Reload has the configuration read again and returns what became of it. The error is
// that of ctx, also when the node ends.
func (r *Reloader) Reload(ctx context.Context) (Result, error) {
	done := make(chan Result, 1)
	select {
	case r.requests <- done:
	case <-ctx.Done():
		return Result{}, fmt.Errorf("reload: %w", context.Cause(ctx))
	}
	select {
	case result := <-done:
		return result, nil
	case <-ctx.Done():
		return Result{}, fmt.Errorf("reload is under way: %w", context.Cause(ctx))
	}
}

// reload reads the file again and has what changed taken over. A file with mistakes
// changes nothing.
func (r *Reloader) reload(ctx context.Context) (result Result) {
	if began := r.parts.Began; began != nil {
		began()
	}
	if ended := r.parts.Ended; ended != nil {
		defer func() { ended(result) }()
	}
	r.reloadSigners(ctx) // whatever else is wrong: a key that was taken away must not sign
	next, err := config.Load(r.current.File)
	if err != nil {
		r.parts.Log.Error("configuration not reloaded, the one in force stays", "error", err)
		r.parts.Report("reload", fmt.Sprintf("the configuration in force stays: %v", err))
		return Result{Rejected: err.Error()}
	}
	for _, w := range next.Warnings {
		r.parts.Log.Warn("configuration", "file", w.File, "line", w.Line, "key", w.Key, "message", w.Message)
		result.Warnings = append(result.Warnings, w.String())
	}
	faults := next.Faults
	if r.parts.Apart != nil {
		faults = slices.Concat(faults, r.parts.Apart(next))
	}
	for _, f := range faults {
		r.parts.Log.Error("configuration", "file", f.File, "line", f.Line, "key", f.Key, "message", f.Message, "todo", f.Hint)
		result.Warnings = append(result.Warnings, f.String())
	}
	// Daemons before the loop, so that a new one is known when the loop has it started.
	r.parts.Daemons.Configure(daemon.Specs(next))
	within(ctx, stepTimeout, func(ctx context.Context) {
		if err := r.parts.Loop.Reload(ctx, mesh.Reload{Desired: next.Desired()}); err != nil {
			r.parts.Report("reload", err.Error())
		}
	})
	if !reflect.DeepEqual(r.current.Peers, next.Peers) {
		within(ctx, stepTimeout, func(ctx context.Context) {
			if err := r.parts.Plugins.SetPeers(ctx, next.Peers); err != nil {
				r.parts.Report("reload", fmt.Sprintf("peers: %v", err))
			}
		})
	}
	var kept map[string]refusal
	within(ctx, stepTimeout, func(ctx context.Context) {
		kept = changePlugins(ctx, r.parts.Plugins, r.current, next)
	})
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		r.parts.Report("plugin:"+name, fmt.Sprintf("reload: it keeps its configuration: %v", kept[name].error))
		result.Kept = append(result.Kept, fmt.Sprintf("%s: %v", name, kept[name].error))
	}
	r.parts.Plugins.Retry() // what they lacked may be granted or installed by now
	inForce := inForce(r.current, next, kept)
	result.TakenOver, result.NeedsRestart = r.current.Differences(inForce), inForce.Differences(next)
	result.NeedsRestart = slices.DeleteFunc(result.NeedsRestart, func(d config.Difference) bool { return refused(d, kept) })
	r.log(next.File, result)
	r.current = inForce
	return result
}

// log says in the log, and where something is left to do in a failure record, what
// became of a reload.
func (r *Reloader) log(file string, result Result) {
	for _, d := range result.TakenOver {
		r.parts.Log.Info("configuration changed", "key", d.String(), "old", d.Old, "new", d.New)
	}
	if len(result.NeedsRestart) == 0 {
		r.parts.Log.Info("configuration reloaded", "file", file, "changes", len(result.TakenOver))
		return
	}
	keys := make([]string, len(result.NeedsRestart))
	for i, d := range result.NeedsRestart {
		keys[i] = d.String()
	}
	what := "restart the node for the changes of " + strings.Join(keys, ", ")
	r.parts.Log.Warn("configuration reloaded in part", "todo", what)
	r.parts.Report("reload", what)
}

// within calls f with a context that ends after d.
func within(ctx context.Context, d time.Duration, f func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	f(ctx)
}
