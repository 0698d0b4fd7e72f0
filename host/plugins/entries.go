package plugins

import (
	"slices"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/config"
)

// Entries returns the configured plugins as the catalog takes them.
func Entries(cfg *config.Config) (out []catalog.Entry) {
	for _, p := range cfg.Plugins {
		out = append(out, entryOf(p))
	}
	return out
}

func entryOf(p config.Plugin) catalog.Entry {
	e := catalog.Entry{
		Name: p.Name, Path: p.Path, SHA256: p.SHA256, Required: p.Required, Enabled: p.Enabled,
		Kinds: p.Kinds, Asks: asks(p), Timeout: p.Timeout, Config: p.Config, API: p.API,
	}
	for _, c := range p.Chains {
		e.Chains = append(e.Chains, c.String())
	}
	for key, value := range p.Env {
		e.Env = append(e.Env, key+"="+value)
	}
	slices.Sort(e.Env)
	return e
}

// asks returns the kinds that an entry asks for by keys which only these kinds have.
func asks(p config.Plugin) (kinds []string) {
	if len(p.Chains) > 0 {
		kinds = append(kinds, catalog.KindChainAppender)
	}
	if len(p.Actions) > 0 {
		kinds = append(kinds, catalog.KindActuator)
	}
	if len(p.Events) > 0 {
		kinds = append(kinds, catalog.KindEventSource)
	}
	return kinds
}
