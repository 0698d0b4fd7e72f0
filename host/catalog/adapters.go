package catalog

import "slices"

// LocalityProbe gives the adapter of a plugin, whether it serves the kind or not
// (then calls fail with ErrUnimplemented). The error is a *NotConfiguredError.
func (c *Catalog) LocalityProbe(name string) (*LocalityProbe, error) {
	s, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return &LocalityProbe{s}, nil
}

// HealthProbe is like LocalityProbe.
func (c *Catalog) HealthProbe(name string) (*HealthProbe, error) {
	s, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return &HealthProbe{s}, nil
}

// InventoryProbe is like LocalityProbe.
func (c *Catalog) InventoryProbe(name string) (*InventoryProbe, error) {
	s, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return &InventoryProbe{s}, nil
}

// Actuator is like LocalityProbe.
func (c *Catalog) Actuator(name string) (*Actuator, error) {
	s, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return &Actuator{s}, nil
}

// EventSource is like LocalityProbe.
func (c *Catalog) EventSource(name string) (*EventSource, error) {
	s, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return &EventSource{s}, nil
}

// RecoveryHandler is like LocalityProbe.
func (c *Catalog) RecoveryHandler(name string) (*RecoveryHandler, error) {
	s, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return &RecoveryHandler{s}, nil
}

// ControlSink is like LocalityProbe.
func (c *Catalog) ControlSink(name string) (*ControlSink, error) {
	s, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return &ControlSink{s}, nil
}

// Appender is like LocalityProbe.
func (c *Catalog) Appender(name string) (*Appender, error) {
	s, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return &Appender{s}, nil
}

// LocalityProbes gives the adapters of all plugins that serve the kind: by their
// entries, and of the others by what they said of themselves so far.
func (c *Catalog) LocalityProbes() []*LocalityProbe {
	var out []*LocalityProbe
	for _, s := range c.serving(KindLocalityProbe) {
		out = append(out, &LocalityProbe{s})
	}
	return out
}

// HealthProbes is like LocalityProbes.
func (c *Catalog) HealthProbes() []*HealthProbe {
	var out []*HealthProbe
	for _, s := range c.serving(KindHealthProbe) {
		out = append(out, &HealthProbe{s})
	}
	return out
}

// InventoryProbes is like LocalityProbes.
func (c *Catalog) InventoryProbes() []*InventoryProbe {
	var out []*InventoryProbe
	for _, s := range c.serving(KindInventoryProbe) {
		out = append(out, &InventoryProbe{s})
	}
	return out
}

// Aborter gives the adapter of the first configured plugin that is known to serve
// migration_aborter; nil if there is none (yet).
func (c *Catalog) Aborter() *Aborter {
	for _, s := range c.serving(KindMigrationAborter) {
		return &Aborter{s}
	}
	return nil
}

// MigrationSource is like Aborter, for migration_source.
func (c *Catalog) MigrationSource() *MigrationSource {
	for _, s := range c.serving(KindMigrationSource) {
		return &MigrationSource{s}
	}
	return nil
}

// Scorer is like Aborter, for placement_scorer.
func (c *Catalog) Scorer() *Scorer {
	for _, s := range c.serving(KindPlacementScorer) {
		return &Scorer{s}
	}
	return nil
}

// Actuators gives the adapters of all plugins that serve actuator, like
// LocalityProbes.
func (c *Catalog) Actuators() []*Actuator {
	var out []*Actuator
	for _, s := range c.serving(KindActuator) {
		out = append(out, &Actuator{s})
	}
	return out
}

// Appenders gives the adapters of all plugins that serve chain_appender, like
// LocalityProbes.
func (c *Catalog) Appenders() []*Appender {
	var out []*Appender
	for _, s := range c.serving(KindChainAppender) {
		out = append(out, &Appender{s})
	}
	return out
}

// Undescribed says whether a plugin is at its first start, and nobody knows yet which
// kinds it serves.
func (c *Catalog) Undescribed() bool {
	return slices.ContainsFunc(c.slots, (*slot).isUndescribed)
}

// serving gives the slots that serve a kind, in the order of the configuration.
func (c *Catalog) serving(kind string) []*slot {
	var out []*slot
	for _, s := range c.slots {
		if s.serves(kind) {
			out = append(out, s)
		}
	}
	return out
}
