package plugins

import (
	"fmt"
	"sync"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/control"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/meshlink"
)

// bindings joins the kinds that plugins serve to the parts that use them.
type bindings struct {
	catalog   *catalog.Catalog
	loop      *loop.Loop
	control   *control.Announcer
	mesh      *meshlink.Link
	report    func(source, reason string)
	actuators *actuators
	sources   *sources
	recovery  func(*catalog.RecoveryHandler) loop.RecoveryHandler

	listed listed

	mu     sync.Mutex
	bound  map[string][]func() // by plugin: what takes it away from its parts again
	away   map[string]bool     // plugins that were never ready
	unused map[string]bool     // mesh plugins that are not used
}

// begin notes that the node begins with these plugins. Without any, the loop need not wait.
func (b *bindings) begin(plugins []string) {
	for _, name := range plugins {
		b.away[name] = true
	}
	if len(plugins) == 0 {
		b.loop.Feed().Begin()
	}
}

// ready notes that a plugin is ready. The first tick need not wait for its time when all
// plugins have been; a later one is made use of, and shown, at once.
func (b *bindings) ready(plugin string) {
	if !b.away[plugin] {
		return
	}
	delete(b.away, plugin)
	if len(b.away) == 0 {
		b.loop.Feed().Begin()
	}
	b.loop.Feed().PassSoon()
}

// serving is called with what a plugin serves, and again when that changes.
func (b *bindings) serving(plugin string, kinds []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, unbind := range b.bound[plugin] {
		unbind()
	}
	b.bound[plugin] = nil
	for _, kind := range kinds {
		unbind, err := b.bind(plugin, kind)
		if err != nil {
			b.report("plugin:"+plugin, err.Error())
		}
		if unbind != nil {
			b.bound[plugin] = append(b.bound[plugin], unbind)
		}
	}
	if err := b.actuators.check(plugin, kinds); err != nil {
		b.report("plugin:"+plugin, err.Error())
	}
	b.sayMeshes()
	b.fillSlots()
	b.ready(plugin)
}

// bind adds a plugin to a part that takes several of a kind, and returns what takes it
// away again. The error says why a kind is of no use.
func (b *bindings) bind(plugin, kind string) (unbind func(), err error) {
	probes := b.loop.Probes()
	switch kind {
	case catalog.KindLocalityProbe:
		return bindTo(plugin, b.catalog.LocalityProbe, func(p *catalog.LocalityProbe) func() { return probes.AddLocality(p) })
	case catalog.KindHealthProbe:
		return bindTo(plugin, b.catalog.HealthProbe, func(p *catalog.HealthProbe) func() { return probes.AddHealth(p) })
	case catalog.KindInventoryProbe:
		return bindTo(plugin, b.catalog.InventoryProbe, func(p *catalog.InventoryProbe) func() { return probes.AddInventory(p) })
	case catalog.KindEventSource:
		return bindTo(plugin, b.catalog.EventSource, func(p *catalog.EventSource) func() { return b.sources.add(p) })
	case catalog.KindRecoveryHandler:
		return bindTo(plugin, b.catalog.RecoveryHandler, func(p *catalog.RecoveryHandler) func() { return b.loop.Handlers().Add(b.recovery(p)) })
	case catalog.KindControlSink:
		return bindTo(plugin, b.catalog.ControlSink, func(p *catalog.ControlSink) func() { return b.control.Add(p) })
	case catalog.KindMigrationAborter, catalog.KindMigrationSource, catalog.KindPlacementScorer, catalog.KindMesh:
		return nil, nil // of these there is one each: fillSlots
	case catalog.KindActuator:
		return nil, nil // the executor asks for it when there is an action
	case catalog.KindChainAppender:
		return nil, nil // Subscriptions
	}
	return nil, fmt.Errorf("it serves %s, which this version of meshos does not use", kind)
}

// sayMeshes reports plugins that would link this node with others beside the one that does:
// two would carry two logs.
func (b *bindings) sayMeshes() {
	all := b.catalog.Meshes()
	for _, m := range all[min(1, len(all)):] {
		if b.unused[m.Name()] {
			continue
		}
		b.unused[m.Name()] = true
		b.report("plugin:"+m.Name(), fmt.Sprintf("it is a mesh plugin and not used as one: a node has one at most, and that is %s, "+
			"the first in meshos.toml; remove one of the two entries and restart the node", all[0].Name()))
	}
}

// bindTo looks a plugin up and adds it.
func bindTo[P any](plugin string, find func(string) (P, error), add func(P) (remove func())) (func(), error) {
	p, err := find(plugin)
	if err != nil {
		return nil, err
	}
	return add(p), nil
}

// fillSlots gives each slot of the loop, which takes one plugin, to the first
// configured one that serves its kind. Several may list migrations, and each aborts its own.
func (b *bindings) fillSlots() {
	slots := b.loop.Slots()
	if all := b.catalog.Aborters(); len(all) > 0 {
		aborters := aborters{listed: &b.listed}
		for _, a := range all {
			aborters.all = append(aborters.all, a)
		}
		slots.InstallAborter(aborters)
	} else {
		slots.InstallAborter(nil)
	}
	var lists []loop.MigrationSource
	for _, m := range b.catalog.MigrationSources() {
		lists = append(lists, lister{m, &b.listed})
	}
	slots.InstallMigrationSources(lists...)
	if m := b.catalog.Mesh(); m != nil {
		b.mesh.Install(meshPlugin{m})
	} else {
		b.mesh.Install(nil)
	}
	if p := b.catalog.Scorer(); p != nil {
		slots.InstallScorer(scorer{p})
	} else {
		slots.InstallScorer(nil)
	}
}
