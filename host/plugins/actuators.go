package plugins

import (
	"context"
	"fmt"
	"slices"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
)

// actuators knows which plugin carries out which kind of action: the one whose entry
// names the kind. A kind that no entry names goes to the first configured actuator
// whose entry names no kinds.
type actuators struct {
	named   map[string]string // kind of action to plugin
	limited map[string]bool   // plugins whose entries name kinds
	catalog *catalog.Catalog
	events  *pluginEvents
	now     func() mesh.Time
}

func newActuators(cfg *config.Config, c *catalog.Catalog, events *pluginEvents, now func() mesh.Time) *actuators {
	a := &actuators{named: make(map[string]string), limited: make(map[string]bool), catalog: c, events: events, now: now}
	for _, p := range cfg.Plugins {
		if !p.Enabled || len(p.Actions) == 0 {
			continue
		}
		a.limited[p.Name] = true
		for _, kind := range p.Actions {
			a.named[kind] = p.Name
		}
	}
	return a
}

// find returns the actuator for a kind of action. A plugin that an entry names is
// found even before it is ready; the executor tries again then.
func (a *actuators) find(kind string) (executor.Actuator, bool) {
	if name, ok := a.named[kind]; ok {
		plugin, err := a.catalog.Actuator(name)
		return actuator{plugin, a}, err == nil
	}
	if plugin := a.rest(); plugin != nil {
		return actuator{plugin, a}, true
	}
	return nil, false
}

// rest returns the plugin for the kinds that no entry names; nil if there is none.
func (a *actuators) rest() *catalog.Actuator {
	all := a.catalog.Actuators()
	i := slices.IndexFunc(all, func(p *catalog.Actuator) bool { return !a.limited[p.Name()] })
	if i < 0 {
		return nil
	}
	return all[i]
}

// check returns what is wrong with the entry of a plugin that serves these kinds.
func (a *actuators) check(plugin string, kinds []string) error {
	serves := slices.Contains(kinds, catalog.KindActuator)
	if a.limited[plugin] {
		if !serves {
			return fmt.Errorf("its entry names actions, which are for actuators, and it is not an actuator; remove actions")
		}
		return nil
	}
	if first := a.rest(); serves && first != nil && first.Name() != plugin {
		return fmt.Errorf("it is an actuator and gets no actions: those that no entry names go to %s; "+
			`name its own, such as actions = ["pull_replica"]`, first.Name())
	}
	return nil
}

// actuator is a plugin that carries out actions.
type actuator struct {
	plugin *catalog.Actuator
	*actuators
}

// Dispatch implements executor.Actuator.
func (a actuator) Dispatch(ctx context.Context, e mesh.Emitted) error {
	events, err := a.plugin.Dispatch(ctx, e.ID, wire.ActionToProto(e.Action, a.now()))
	if err != nil {
		return err
	}
	// The action is done, whatever becomes of its events.
	from := a.events.from(catalog.KindActuator, a.plugin.Name())
	if err := from.take(ctx, events); err != nil {
		from.report(from.source, fmt.Sprintf("%s %d was carried out, but of the events that it answered with %v", e.Action.Kind(), e.ID, err))
	}
	return nil
}
