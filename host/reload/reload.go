package reload

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"reflect"
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
	Log    *slog.Logger
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
	Reconfigure(ctx context.Context, name string, config map[string]any) error
	// Retry starts at once what is down.
	Retry()
}

// Reloader reloads the configuration of one node.
type Reloader struct {
	parts   Parts
	current *config.Config // what the node runs on
}

// New returns a reloader of a node that was started with cfg.
func New(cfg *config.Config, parts Parts) *Reloader { return &Reloader{parts: parts, current: cfg} }

// Run reloads whenever a signal comes, until ctx ends.
func (r *Reloader) Run(ctx context.Context, asked <-chan os.Signal) {
	for {
		select {
		case <-asked:
			r.reload(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// reload reads the file again and has what changed taken over. A file with mistakes
// changes nothing.
func (r *Reloader) reload(ctx context.Context) {
	r.reloadSigners(ctx) // whatever else is wrong: a key that was taken away must not sign
	next, err := config.Load(r.current.File)
	if err != nil {
		r.parts.Log.Error("configuration not reloaded, the one in force stays", "error", err)
		r.parts.Report("reload", fmt.Sprintf("the configuration in force stays: %v", err))
		return
	}
	for _, w := range next.Warnings {
		r.parts.Log.Warn("configuration", "file", w.File, "line", w.Line, "key", w.Key, "message", w.Message)
	}
	// Daemons before the loop, so that a new one is known when the loop has it started.
	r.parts.Daemons.Configure(daemon.Specs(next.Daemons))
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
	var kept []string
	within(ctx, stepTimeout, func(ctx context.Context) {
		kept = reconfigure(ctx, r.parts.Plugins, r.parts.Report, r.current, next)
	})
	r.parts.Plugins.Retry() // what they lacked may be granted or installed by now
	if keys := needRestart(r.current, next); len(keys) > 0 {
		what := fmt.Sprintf("restart the node for the changes of %s", strings.Join(keys, ", "))
		r.parts.Log.Warn("configuration reloaded in part", "todo", what)
		r.parts.Report("reload", what)
	} else {
		r.parts.Log.Info("configuration reloaded", "file", next.File)
	}
	r.current = inForce(r.current, next, kept)
}

// within calls f with a context that ends after d.
func within(ctx context.Context, d time.Duration, f func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	f(ctx)
}
