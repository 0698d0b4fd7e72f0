package host

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
)

// reloadTimeout bounds how long each step of taking over a configuration may wait, for
// the loop or for plugins.
const reloadTimeout = 10 * time.Second

// reloads takes the configuration over again whenever it is asked to, until ctx
// ends.
func (n *node) reloads(ctx context.Context) {
	current := n.cfg
	for {
		select {
		case <-n.opts.Reload:
			current = n.reload(ctx, current)
		case <-ctx.Done():
			return
		}
	}
}

// reload reads the file again and takes over what can change in place: peers,
// chains, daemons, the configuration of plugins and the operators' keys; and tries
// plugins again that are down. A file with mistakes changes nothing.
func (n *node) reload(ctx context.Context, current *config.Config) *config.Config {
	n.reloadSigners(ctx) // whatever else is wrong: a key that was taken away must not sign
	next, err := config.Load(current.File)
	if err != nil {
		n.log.Error("configuration not reloaded, the one in force stays", "error", err)
		n.reports.add("reload", fmt.Sprintf("the configuration in force stays: %v", err))
		return current
	}
	for _, w := range next.Warnings {
		n.log.Warn("configuration", "file", w.File, "line", w.Line, "key", w.Key, "message", w.Message)
	}
	// Commands first, so that a new daemon can be started when the loop wants it.
	n.daemons.Configure(daemonSpecs(next))
	within(ctx, reloadTimeout, func(ctx context.Context) {
		if err := n.loop.Feed().Reload(ctx, mesh.Reload{Desired: next.Desired()}); err != nil {
			n.reports.add("reload", err.Error())
		}
	})
	if !reflect.DeepEqual(current.Peers, next.Peers) {
		within(ctx, reloadTimeout, func(ctx context.Context) {
			if err := n.catalog.SetPeers(ctx, pluginPeers(next)); err != nil {
				n.reports.add("reload", fmt.Sprintf("peers: %v", err))
			}
		})
	}
	var kept []string
	within(ctx, reloadTimeout, func(ctx context.Context) {
		kept = reconfigurePlugins(ctx, n.catalog, n.reports.add, current, next)
	})
	n.catalog.Retry() // what they lacked may be granted or installed by now
	if keys := needRestart(current, next); len(keys) > 0 {
		what := fmt.Sprintf("restart the node for the changes of %s", strings.Join(keys, ", "))
		n.log.Warn("configuration reloaded in part", "todo", what)
		n.reports.add("reload", what)
	} else {
		n.log.Info("configuration reloaded", "file", next.File)
	}
	return inForce(current, next, kept)
}

// within calls f with a context that ends after d.
func within(ctx context.Context, d time.Duration, f func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	f(ctx)
}

// reconfigurer hands a configuration to a plugin.
type reconfigurer interface {
	Reconfigure(ctx context.Context, name string, config map[string]any) error
}

// reconfigurePlugins hands changed configurations to running plugins, to all at once:
// one that hangs keeps no other from its own. It names those that refused, or did not
// answer, and so keep what they have.
func reconfigurePlugins(
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

// fixedParts are the plugins without what can change while they run.
func fixedParts(c *config.Config) []config.Plugin {
	out := slices.Clone(c.Plugins)
	for i := range out {
		out[i].Config = nil
	}
	return out
}

// inForce is the configuration that a node runs on after a reload: what changed in
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
