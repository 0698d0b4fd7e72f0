package reload

import (
	"context"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/config"
)

// changer hands changed entries to running plugins.
type changer interface {
	Change(ctx context.Context, next config.Plugin) (entry, config error)
}

// refusal is why a plugin keeps what it has.
type refusal struct {
	error
	whole bool // its entry, not only its configuration
}

// changePlugins hands changed entries to the plugins, to all at once, so that one that
// hangs holds up no other. It returns why those that refused or did not answer keep what
// they have.
func changePlugins(ctx context.Context, plugins changer, current, next *config.Config) (kept map[string]refusal) {
	refusals := make([]refusal, len(next.Plugins))
	var asked sync.WaitGroup
	for at, p := range next.Plugins {
		i := slices.IndexFunc(current.Plugins, func(old config.Plugin) bool { return old.Name == p.Name })
		if i < 0 {
			continue
		}
		old := current.Plugins[i]
		changed := takenOver(old, p)
		if reflect.DeepEqual(old, changed) {
			continue
		}
		asked.Go(func() {
			entry, config := plugins.Change(ctx, changed)
			refusals[at] = refusal{error: config}
			if entry != nil {
				refusals[at] = refusal{error: entry, whole: true}
			}
		})
	}
	asked.Wait()
	kept = make(map[string]refusal)
	for at, r := range refusals {
		if r.error != nil {
			kept[next.Plugins[at].Name] = r
		}
	}
	return kept
}

// takenOver returns the entry of a plugin with those keys of its next one that can change
// while the node runs. Who stores records is decided at the start, so that kinds can't
// change in that.
func takenOver(old, next config.Plugin) config.Plugin {
	out := old
	out.Path, out.SHA256, out.Env, out.Timeout, out.API, out.Config = next.Path, next.SHA256, next.Env, next.Timeout, next.API, next.Config
	stores := func(p config.Plugin) bool { return slices.Contains(p.Kinds, catalog.KindChainAppender) }
	if stores(old) == stores(next) {
		out.Kinds = next.Kinds
	}
	return out
}

// refused reports whether a difference between what is in force and the file is that of
// a plugin which refused it: a restart does not help against that.
func refused(d config.Difference, kept map[string]refusal) bool {
	for name, why := range kept {
		if d.Section == "plugin" && d.Item == strconv.Quote(name) && (d.Key == "config" || why.whole) {
			return true
		}
	}
	return false
}

// inForce returns the configuration that a node runs on after a reload: what changed in
// place, and of the rest what it was started with. Plugins that kept what they had are
// asked again by the next reload.
func inForce(current, next *config.Config, kept map[string]refusal) *config.Config {
	out := *current
	out.Peers, out.Chains, out.Daemons = next.Peers, next.Chains, next.Daemons
	out.Node.Labels = next.Node.Labels
	out.Plugins = slices.Clone(current.Plugins)
	for i, old := range out.Plugins {
		for _, p := range next.Plugins {
			why, refused := kept[p.Name]
			if p.Name != old.Name || why.whole {
				continue
			}
			out.Plugins[i] = takenOver(old, p)
			if refused {
				out.Plugins[i].Config = old.Config
			}
		}
	}
	return &out
}
