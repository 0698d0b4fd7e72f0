package plugins

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/records"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Subscriptions returns the appenders of the configuration with the chains of records
// that each of them stores.
func Subscriptions(cfg *config.Config, c *catalog.Catalog) (out []records.Subscription, err error) {
	for _, name := range appenders(cfg) {
		a, err := c.Appender(name)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(cfg.Plugins, func(p config.Plugin) bool { return p.Name == name })
		out = append(out, records.Subscription{Appender: appender{a}, Chains: cfg.Plugins[i].Chains})
	}
	return out, nil
}

// appenders names the plugins that get records: those whose entries name chains of
// records, or say that they are appenders, which then store all chains.
func appenders(cfg *config.Config) (names []string) {
	for _, p := range cfg.Plugins {
		if p.Enabled && (len(p.Chains) > 0 || slices.Contains(p.Kinds, catalog.KindChainAppender)) {
			names = append(names, p.Name)
		}
	}
	return names
}

// appender is a plugin that stores records. That its process is away is not a failure
// of the appender: the records wait.
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
