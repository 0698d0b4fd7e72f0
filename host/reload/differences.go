package reload

import (
	"context"
	"reflect"
	"slices"
	"sync"

	"github.com/meshos/meshos/host/config"
)

// reconfigurer hands configurations to plugins.
type reconfigurer interface {
	Reconfigure(ctx context.Context, name string, config map[string]any) error
}

// reconfigure hands changed configurations to running plugins, to all at once, so that
// one that hangs holds up no other. It returns why those that refused or did not answer
// keep what they have.
func reconfigure(ctx context.Context, plugins reconfigurer, current, next *config.Config) (kept map[string]error) {
	errs := make([]error, len(next.Plugins))
	var asked sync.WaitGroup
	for at, p := range next.Plugins {
		i := slices.IndexFunc(current.Plugins, func(old config.Plugin) bool { return old.Name == p.Name })
		if i >= 0 && !reflect.DeepEqual(current.Plugins[i].Config, p.Config) {
			asked.Go(func() { errs[at] = plugins.Reconfigure(ctx, p.Name, p.Config) })
		}
	}
	asked.Wait()
	kept = make(map[string]error)
	for at, err := range errs {
		if err != nil {
			kept[next.Plugins[at].Name] = err
		}
	}
	return kept
}

// refused reports whether a difference between what is in force and the file is that of
// a plugin which refused its new configuration: a restart does not help against that.
func refused(d config.Difference, kept map[string]error) bool {
	for name := range kept {
		if d.Section == "plugin" && d.Key == "config" && d.Item == `"`+name+`"` {
			return true
		}
	}
	return false
}

// inForce returns the configuration that a node runs on after a reload: what changed in
// place, and of the rest what it was started with. Plugins that kept what they had are
// asked again by the next reload.
func inForce(current, next *config.Config, kept map[string]error) *config.Config {
	out := *current
	out.Peers, out.Chains, out.Daemons = next.Peers, next.Chains, next.Daemons
	out.Plugins = slices.Clone(current.Plugins)
	for i, old := range out.Plugins {
		for _, p := range next.Plugins {
			if p.Name == old.Name && kept[p.Name] == nil {
				out.Plugins[i].Config = p.Config
			}
		}
	}
	return &out
}
