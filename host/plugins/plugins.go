package plugins

import (
	"context"
	"log/slog"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/control"
	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/intake"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/meshlink"
	"github.com/meshos/meshos/host/resolve"
)

// Options are the parts of a node that plugins are bound to.
type Options struct {
	Config  *config.Config
	Catalog *catalog.Catalog
	Names   *resolve.Resolver // of the peers
	Loop    *loop.Loop
	Intake  *intake.Intake
	Control *control.Announcer
	Mesh    *meshlink.Link
	// Report records a failure; it does not wait.
	Report func(source, reason string)
	// Now is the loop's time.
	Now func() mesh.Time
	Log *slog.Logger
}

// Plugins are the plugins of one node, as the parts of the node see them.
type Plugins struct {
	catalog   *catalog.Catalog
	names     *resolve.Resolver
	peers     *knownPeers
	log       *slog.Logger
	bindings  *bindings
	actuators *actuators
	tasks     *tasks
}

// New binds nothing yet: Serving does, when a plugin says what it serves.
func New(o Options) *Plugins {
	events := &pluginEvents{report: o.Report, client: func(kind, plugin string) Intake {
		return o.Intake.Client(sourceOf(o.Config, kind, plugin))
	}}
	p := &Plugins{catalog: o.Catalog, names: o.Names, actuators: newActuators(o.Config, o.Catalog, events, o.Now), tasks: newTasks(), peers: newKnownPeers(o.Config.Peers), log: o.Log}
	p.bindings = &bindings{
		catalog: o.Catalog, loop: o.Loop, control: o.Control, mesh: o.Mesh, report: o.Report,
		actuators: p.actuators, sources: &sources{events, o.Log, p.tasks},
		recovery: func(plugin *catalog.RecoveryHandler) loop.RecoveryHandler {
			return &recovery{recoveryPlugin: plugin, background: p.tasks, events: events.from(catalog.KindRecoveryHandler, plugin.Name())}
		},
		bound: make(map[string][]func()), away: make(map[string]bool), unused: make(map[string]bool),
	}
	var enabled []string
	for _, plugin := range o.Config.Plugins {
		if plugin.Enabled {
			enabled = append(enabled, plugin.Name)
		}
	}
	p.bindings.begin(enabled)
	return p
}

// sourceOf returns a plugin, in the role of one of its kinds, as the intake sees it.
func sourceOf(cfg *config.Config, kind, plugin string) intake.Source {
	source := intake.Source{
		Name: kind + ":" + plugin, Lines: linesOf(plugin), Origin: intake.FromPlugins, Grant: intake.NewGrant(nil),
	}
	for _, p := range cfg.Plugins {
		if p.Name == plugin {
			source.Grant = intake.NewGrant(p.Events)
		}
	}
	return source
}

// Serving binds a plugin to the parts that use the kinds which it serves, in place of
// those that it served before. It is the callback of catalog.Run.
func (p *Plugins) Serving(plugin string, kinds []string) { p.bindings.serving(plugin, kinds) }

// Actuator returns the actuator for a kind of action, and reports whether there is
// one. It is what executor.Router asks.
func (p *Plugins) Actuator(kind string) (executor.Actuator, bool) { return p.actuators.find(kind) }

// Change gives a plugin another entry; see catalog.Catalog.
func (p *Plugins) Change(ctx context.Context, next config.Plugin) (entry, config error) {
	return p.catalog.Change(ctx, entryOf(next))
}

// Retry starts at once what is down.
func (p *Plugins) Retry() { p.catalog.Retry() }

// Run listens to event sources and tells probes of the peers of the mesh until ctx ends. It
// waits for the streams to end.
func (p *Plugins) Run(ctx context.Context) {
	p.renewAnnounced(ctx)
	p.tasks.close()
}
