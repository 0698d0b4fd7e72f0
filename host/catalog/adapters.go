package catalog

// adapter is a plugin as the callers of one of its kinds see it. It outlives the
// plugin's processes. The type of each kind embeds it and has the calls of the kind.
type adapter struct{ slot *slot }

// Name returns the name of the plugin in the configuration.
func (a adapter) Name() string { return a.slot.entry().Name }

// LocalityProbe returns the adapter of a plugin, whether or not the plugin serves the
// kind: if not, calls fail with ErrUnimplemented. The error is a *NotConfiguredError.
func (c *Catalog) LocalityProbe(name string) (*LocalityProbe, error) {
	return named[LocalityProbe](c, name)
}

// HealthProbe is like LocalityProbe.
func (c *Catalog) HealthProbe(name string) (*HealthProbe, error) {
	return named[HealthProbe](c, name)
}

// InventoryProbe is like LocalityProbe.
func (c *Catalog) InventoryProbe(name string) (*InventoryProbe, error) {
	return named[InventoryProbe](c, name)
}

// Actuator is like LocalityProbe.
func (c *Catalog) Actuator(name string) (*Actuator, error) {
	return named[Actuator](c, name)
}

// EventSource is like LocalityProbe.
func (c *Catalog) EventSource(name string) (*EventSource, error) {
	return named[EventSource](c, name)
}

// RecoveryHandler is like LocalityProbe.
func (c *Catalog) RecoveryHandler(name string) (*RecoveryHandler, error) {
	return named[RecoveryHandler](c, name)
}

// ControlSink is like LocalityProbe.
func (c *Catalog) ControlSink(name string) (*ControlSink, error) {
	return named[ControlSink](c, name)
}

// Appender is like LocalityProbe.
func (c *Catalog) Appender(name string) (*Appender, error) {
	return named[Appender](c, name)
}

// Aborter returns the adapter of the first configured plugin that is known to serve
// migration_aborter. It is nil if there is none, or none yet.
func (c *Catalog) Aborter() *Aborter { return first[Aborter](c, KindMigrationAborter) }

// Aborters returns the adapters of all plugins that are known to serve migration_aborter, in the
// order of the configuration.
func (c *Catalog) Aborters() []*Aborter { return all[Aborter](c, KindMigrationAborter) }

// MigrationSources is like Aborters, for migration_source.
func (c *Catalog) MigrationSources() []*MigrationSource {
	return all[MigrationSource](c, KindMigrationSource)
}

// MigrationSource is like Aborter, for migration_source.
func (c *Catalog) MigrationSource() *MigrationSource {
	return first[MigrationSource](c, KindMigrationSource)
}

// Scorer is like Aborter, for placement_scorer.
func (c *Catalog) Scorer() *Scorer { return first[Scorer](c, KindPlacementScorer) }

// Mesh is like Aborter, for mesh.
func (c *Catalog) Mesh() *Mesh { return first[Mesh](c, KindMesh) }

// Meshes returns the adapters of all plugins that are known to serve mesh, in the order of
// the configuration. Only the first is used.
func (c *Catalog) Meshes() []*Mesh { return all[Mesh](c, KindMesh) }

// Actuators returns the adapters of all plugins that are known to serve actuator, in
// the order of the configuration.
func (c *Catalog) Actuators() []*Actuator { return all[Actuator](c, KindActuator) }

// named returns the adapter of one plugin.
func named[A ~struct{ adapter }](c *Catalog, name string) (*A, error) {
	s, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return &A{adapter{s}}, nil
}

// first returns the adapter of the first plugin that serves a kind.
func first[A ~struct{ adapter }](c *Catalog, kind string) *A {
	for _, s := range c.slots {
		if s.serves(kind) {
			return &A{adapter{s}}
		}
	}
	return nil
}

// all returns the adapters of all plugins that serve a kind.
func all[A ~struct{ adapter }](c *Catalog, kind string) []*A {
	var out []*A
	for _, s := range c.slots {
		if s.serves(kind) {
			out = append(out, &A{adapter{s}})
		}
	}
	return out
}
