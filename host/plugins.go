package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func (n *node) catalogOptions() catalog.Options {
	return catalog.Options{
		Entries:   pluginEntries(n.cfg),
		PluginDir: n.cfg.PluginSection.Dir,
		DataDir:   n.cfg.Node.DataDir,
		Node:      uint64(n.cfg.Node.ID),
		Cluster:   n.cfg.Node.Cluster,
		Peers:     pluginPeers(n.cfg),
		Log:       n.pluginSaid,
		Failure:   func(plugin, reason string) { n.reports.add("plugin:"+plugin, reason) },
		Observe: func(plugin, method string, took time.Duration, _ error) {
			n.metrics.Call(plugin, method, took)
		},
	}
}

// pluginSaid takes a line of a plugin into the node's log; one that finds the
// queue full is lost there, but still in the process's own log.
func (n *node) pluginSaid(level mesh.LogLevel, plugin, message string) {
	n.log.Debug(message, "plugin", plugin)
	_ = n.handle.TryPublish(mesh.LogLine{Level: level, Message: plugin + ": " + message})
}

func pluginEntries(cfg *config.Config) (out []catalog.Entry) {
	for _, p := range cfg.Plugins {
		e := catalog.Entry{
			Name: p.Name, Path: p.Path, SHA256: p.SHA256, Required: p.Required, Enabled: p.Enabled,
			Kinds: p.Kinds, Timeout: p.Timeout, Config: p.Config,
		}
		for _, c := range p.Chains {
			e.Chains = append(e.Chains, c.String())
		}
		for key, value := range p.Env {
			e.Env = append(e.Env, key+"="+value)
		}
		slices.Sort(e.Env)
		out = append(out, e)
	}
	return out
}

func pluginPeers(cfg *config.Config) (out []*pluginv1.Peer) {
	for _, p := range cfg.Peers {
		out = append(out, &pluginv1.Peer{Id: uint64(p.ID), Name: p.Name, Address: p.Address, HealthTarget: p.Health})
	}
	return out
}

// appenders names the plugins whose entries name the chains that they store, or
// say that they are appenders, which then store all chains.
func appenders(cfg *config.Config) (names []string) {
	for _, p := range cfg.Plugins {
		if p.Enabled && (len(p.Chains) > 0 || slices.Contains(p.Kinds, catalog.KindChainAppender)) {
			names = append(names, p.Name)
		}
	}
	return names
}

func (n *node) subscriptions() (out []records.Subscription, err error) {
	for _, name := range appenders(n.cfg) {
		a, err := n.catalog.Appender(name)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(n.cfg.Plugins, func(p config.Plugin) bool { return p.Name == name })
		out = append(out, records.Subscription{Appender: appender{a}, Chains: n.cfg.Plugins[i].Chains})
	}
	return out, nil
}

// appender is a plugin that stores records. While its process is not there, the
// follower is told so, and does not count a failure.
type appender struct{ *catalog.Appender }

// Append implements records.Appender.
func (a appender) Append(ctx context.Context, batch []*meshosv1.Record) error {
	err := a.Appender.Append(ctx, batch)
	var away *catalog.NotReadyError
	if errors.As(err, &away) {
		return fmt.Errorf("%w: %w", records.ErrAway, err)
	}
	return err
}
