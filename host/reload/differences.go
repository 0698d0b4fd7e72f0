package reload

import (
	"context"
	"fmt"
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
// one that hangs holds up no other. It names those that refused or did not answer, and
// so keep what they have.
func reconfigure(
	ctx context.Context, plugins reconfigurer, report func(source, reason string), current, next *config.Config,
) (kept []string) {
	errs := make([]error, len(next.Plugins))
	var asked sync.WaitGroup
	for at, p := range next.Plugins {
		i := slices.IndexFunc(current.Plugins, func(old config.Plugin) bool { return old.Name == p.Name })
		if i >= 0 && !reflect.DeepEqual(current.Plugins[i].Config, p.Config) {
			asked.Go(func() { errs[at] = plugins.Reconfigure(ctx, p.Name, p.Config) })
		}
	}
	asked.Wait()
	for at, err := range errs {
		if name := next.Plugins[at].Name; err != nil {
			report("plugin:"+name, fmt.Sprintf("reload: it keeps its configuration: %v", err))
			kept = append(kept, name)
		}
	}
	return kept
}

// needRestart names the parts of the configuration that changed and can't be
// taken over by a running node.
func needRestart(current, next *config.Config) (keys []string) {
	sections := []struct {
		name     string
		old, new any
	}{
		{"[node]", current.Node, next.Node},
		{"[loop]", current.Loop, next.Loop},
		{"[admission]", current.Admission, next.Admission},
		{"[locality]", current.Locality, next.Locality},
		{"[maintenance]", current.Maintenance, next.Maintenance},
		{"[scheduler]", current.Scheduler, next.Scheduler},
		{"[restart]", current.Restart, next.Restart},
		{"[operators]", current.Operators, next.Operators},
		{"[records]", current.Records, next.Records},
		{"[plugins]", current.PluginSection, next.PluginSection},
		{"[[plugin]] (all but its config)", fixedParts(current), fixedParts(next)},
	}
	for _, s := range sections {
		if !reflect.DeepEqual(s.old, s.new) {
			keys = append(keys, s.name)
		}
	}
	return keys
}

// fixedParts returns the plugins without what can change while they run.
func fixedParts(c *config.Config) []config.Plugin {
	out := slices.Clone(c.Plugins)
	for i := range out {
		out[i].Config = nil
	}
	return out
}

// inForce returns the configuration that a node runs on after a reload: what changed in
// place, and of the rest what it was started with. Plugins that kept what they had are
// asked again by the next reload.
func inForce(current, next *config.Config, kept []string) *config.Config {
	out := *current
	out.Peers, out.Chains, out.Daemons = next.Peers, next.Chains, next.Daemons
	out.Plugins = slices.Clone(current.Plugins)
	for i, old := range out.Plugins {
		for _, p := range next.Plugins {
			if p.Name == old.Name && !slices.Contains(kept, p.Name) {
				out.Plugins[i].Config = p.Config
			}
		}
	}
	return &out
}
