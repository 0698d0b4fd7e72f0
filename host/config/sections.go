package config

// sectionSpec is one section of the file: a table, or a list of tables.
type sectionSpec struct {
	name   string
	single []setting // nil for a list of tables
	// add appends a table to the list and returns its settings.
	add func() []setting
	// count returns how many tables the list has, item the settings of one of them.
	count func() int
	item  func(i int) []setting
}

func (s sectionSpec) items() int {
	if s.count == nil {
		return 0
	}
	return s.count()
}

// sections returns all sections that a file may have, in the order of the documentation.
func (c *Config) sections() []sectionSpec {
	return []sectionSpec{
		{name: "node", single: c.Node.settings()},
		{name: "loop", single: c.Loop.settings()},
		{name: "admission", single: c.Admission.settings()},
		{name: "locality", single: c.Locality.settings()},
		{name: "maintenance", single: c.Maintenance.settings()},
		{name: "scheduler", single: c.Scheduler.settings()},
		{name: "restart", single: c.Restart.settings()},
		{name: "operators", single: c.Operators.settings()},
		{name: "records", single: c.Records.settings()},
		{name: "capacity", single: c.Capacity.settings()},
		list("peer", &c.Peers, func() Peer { return Peer{} }, (*Peer).settings),
		list("chain", &c.Chains, func() Chain { return Chain{} }, (*Chain).settings),
		list("daemon", &c.Daemons, defaultDaemon, (*Daemon).settings),
		{name: "plugins", single: c.PluginSection.settings()},
		list("plugin", &c.Plugins, defaultPlugin, (*Plugin).settings),
	}
}

func list[T any](name string, at *[]T, fresh func() T, settings func(*T) []setting) sectionSpec {
	return sectionSpec{
		name: name,
		add: func() []setting {
			*at = append(*at, fresh())
			return settings(&(*at)[len(*at)-1])
		},
		count: func() int { return len(*at) },
		item:  func(i int) []setting { return settings(&(*at)[i]) },
	}
}
