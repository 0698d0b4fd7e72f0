package host

import (
	"fmt"
	"slices"
	"sync"

	"github.com/meshos/meshos/host/catalog"
)

// serving joins the kinds that plugins serve to the seams of the loop, as plugins
// describe themselves.
type serving struct {
	n *node

	mu    sync.Mutex
	parts map[string][]func() // by plugin: how it is taken away again from its seams
}

func newServing(n *node) *serving { return &serving{n: n, parts: make(map[string][]func())} }

// changed is told what a plugin serves, and again when that changes.
func (s *serving) changed(plugin string, kinds []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, part := range s.parts[plugin] {
		part()
	}
	s.parts[plugin] = nil
	for _, kind := range kinds {
		if err := s.join(plugin, kind); err != nil {
			s.n.reports.add("plugin:"+plugin, err.Error())
		}
	}
	if err := s.n.seams.actuators.check(plugin, kinds); err != nil {
		s.n.reports.add("plugin:"+plugin, err.Error())
	}
	s.fillSlots()
}

// join adds a plugin to a seam that takes several, and finds what can't be used.
func (s *serving) join(plugin, kind string) error {
	probes := s.n.loop.Probes()
	switch kind {
	case catalog.KindLocalityProbe:
		p, err := s.n.catalog.LocalityProbe(plugin)
		if err != nil {
			return err
		}
		s.parts[plugin] = append(s.parts[plugin], probes.AddLocality(p))
	case catalog.KindHealthProbe:
		p, err := s.n.catalog.HealthProbe(plugin)
		if err != nil {
			return err
		}
		s.parts[plugin] = append(s.parts[plugin], probes.AddHealth(p))
	case catalog.KindInventoryProbe:
		p, err := s.n.catalog.InventoryProbe(plugin)
		if err != nil {
			return err
		}
		s.parts[plugin] = append(s.parts[plugin], probes.AddInventory(p))
	case catalog.KindMigrationAborter, catalog.KindMigrationSource, catalog.KindPlacementScorer:
		// Of these there is one each: fillSlots.
	case catalog.KindChainAppender:
		if !slices.ContainsFunc(appenders(s.n.cfg), func(name string) bool { return name == plugin }) {
			return fmt.Errorf(`it stores records, but gets none: name them with chains = ["audit", "log", "failure", "action"]`)
		}
	case catalog.KindActuator:
		// The executor asks for it when there is an action.
	case catalog.KindEventSource:
		src, err := s.n.catalog.EventSource(plugin)
		if err != nil {
			return err
		}
		s.parts[plugin] = append(s.parts[plugin], s.n.seams.sources.add(src))
	case catalog.KindRecoveryHandler:
		h, err := s.n.catalog.RecoveryHandler(plugin)
		if err != nil {
			return err
		}
		s.parts[plugin] = append(s.parts[plugin], s.n.loop.Handlers().Add(h))
	case catalog.KindControlSink:
		sink, err := s.n.catalog.ControlSink(plugin)
		if err != nil {
			return err
		}
		s.parts[plugin] = append(s.parts[plugin], s.n.seams.control.Add(sink))
	default:
		return fmt.Errorf("it serves %s, which this version of meshos does not use", kind)
	}
	return nil
}

// fillSlots gives each seam that takes one plugin to the first configured one that
// serves its kind.
func (s *serving) fillSlots() {
	slots, c := s.n.loop.Slots(), s.n.catalog
	if a := c.Aborter(); a != nil {
		slots.InstallAborter(aborter{a})
	} else {
		slots.InstallAborter(nil)
	}
	if m := c.MigrationSource(); m != nil {
		slots.InstallMigrationSource(m)
	} else {
		slots.InstallMigrationSource(nil)
	}
	if p := c.Scorer(); p != nil {
		slots.InstallScorer(scorer{p})
	} else {
		slots.InstallScorer(nil)
	}
}
