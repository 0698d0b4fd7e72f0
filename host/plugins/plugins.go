package plugins

import (
	"context"
	"log/slog"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/control"
	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
)

// Options are the parts of a node that plugins are bound to.
type Options struct {
	Config  *config.Config
	Catalog *catalog.Catalog
	Loop    *loop.Loop
	Intake  Intake
	Control *control.Announcer
	// Report records a failure; it does not wait.
	Report func(source, reason string)
	// Now is the loop's time.
	Now func() mesh.Time
	Log *slog.Logger
}

// Plugins are the plugins of one node, as the parts of the node see them.
type Plugins struct {
	catalog   *catalog.Catalog
	bindings  *bindings
	actuators *actuators
	sources   *sources
}

// New binds nothing yet: Serving does, when a plugin says what it serves.
func New(o Options) *Plugins {
	events := &pluginEvents{intake: o.Intake, report: o.Report}
	p := &Plugins{
		catalog:   o.Catalog,
		actuators: newActuators(o.Config, o.Catalog, events, o.Now),
		sources:   newSources(events, o.Log),
	}
	p.bindings = &bindings{
		catalog: o.Catalog, loop: o.Loop, control: o.Control, report: o.Report,
		actuators: p.actuators, sources: p.sources, appenders: appenders(o.Config),
		bound: make(map[string][]func()),
	}
	return p
}

// Serving binds a plugin to the parts that use the kinds which it serves, in place of
// those that it served before. It is the callback of catalog.Run.
func (p *Plugins) Serving(plugin string, kinds []string) { p.bindings.serving(plugin, kinds) }

// Actuator returns the actuator for a kind of action, and reports whether there is
// one. It is what executor.Router asks.
func (p *Plugins) Actuator(kind string) (executor.Actuator, bool) { return p.actuators.find(kind) }

// SetPeers has every probe told the peers.
func (p *Plugins) SetPeers(ctx context.Context, peers []config.Peer) error {
	return p.catalog.SetPeers(ctx, Peers(peers))
}

// Reconfigure gives a plugin another configuration; see catalog.Catalog.
func (p *Plugins) Reconfigure(ctx context.Context, name string, config map[string]any) error {
	return p.catalog.Reconfigure(ctx, name, config)
}

// Retry starts at once what is down.
func (p *Plugins) Retry() { p.catalog.Retry() }

// Run listens to event sources until ctx ends, and waits for their streams to end.
func (p *Plugins) Run(ctx context.Context) {
	<-ctx.Done()
	p.sources.close()
}
