package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/pluginsdk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// orchestrator serves both kinds. Its client is nil if no orchestrator is configured: then
// the list is empty and aborts are refused.
type orchestrator struct {
	log      hclog.Logger
	client   *client
	list     *list
	aborter  aborter
	warnings []string
}

func construct(env pluginsdk.Env, cfg config) (*orchestrator, error) {
	o := &orchestrator{log: env.Log}
	if cfg.URL == "" {
		o.warn("no orchestrator is configured (url is empty): the list of migrations is empty and aborts are refused")
		return o, nil
	}
	var err error
	if o.client, err = newClient(cfg); err != nil {
		return nil, pluginsdk.Invalid(err)
	}
	o.aborter = aborter{client: o.client, attempts: cfg.Attempts}
	o.list = newList(cfg.interval(), cfg.staleAfter(), o.fetch, o.changed)
	if o.client.token != nil {
		if text := o.client.token.check(); text != "" {
			o.warn(text)
		}
	}
	if o.client.base.Scheme == "http" && !isLoopback(o.client.base.Hostname()) {
		o.warn(fmt.Sprintf("url: %s is not encrypted: others on the network can read and change requests", o.client.base))
	}
	return o, nil
}

func (o *orchestrator) warn(text string) { o.warnings = append(o.warnings, text) }

// Warnings returns what an operator should know of the configuration.
func (o *orchestrator) Warnings() []string { return o.warnings }

// Run fetches the list until ctx ends.
func (o *orchestrator) Run(ctx context.Context) error {
	if o.client == nil {
		return nil
	}
	o.list.run(ctx)
	return nil
}

// Close drops idle connections.
func (o *orchestrator) Close() error {
	if o.client != nil {
		o.client.close()
	}
	return nil
}

// ListMigrations returns the last good list at once, or an error if it is stale.
func (o *orchestrator) ListMigrations(context.Context) ([]*meshosv1.MigrationView, error) {
	if o.client == nil {
		return nil, nil
	}
	return o.list.get()
}

// Abort asks the orchestrator to stop a migration. It returns nil if the orchestrator
// agreed.
func (o *orchestrator) Abort(ctx context.Context, migration uint64, reason string) error {
	if migration == 0 {
		return pluginsdk.Invalid(errors.New("0 is not the id of a migration"))
	}
	if o.client == nil {
		return pluginsdk.FailedPrecondition(fmt.Errorf(
			"migration %d was not aborted: no orchestrator is configured; set url in the configuration of %s", migration, name))
	}
	err := o.aborter.abort(ctx, migration, reason)
	if isMissing(err) && isMissing(o.list.lastError()) {
		// The host takes NOT_FOUND as success. But if the whole API is missing at
		// that address, then nobody was asked.
		return pluginsdk.Unavailable(fmt.Errorf(
			"migration %d was not aborted: %s answers 404 to the list of migrations, too: check that url points at an orchestrator",
			migration, o.client.base))
	}
	o.list.refresh()
	return err
}

// fetch requests the list once.
func (o *orchestrator) fetch(ctx context.Context) ([]*meshosv1.MigrationView, error) {
	const path = "/v1/migrations"
	got, err := o.client.do(ctx, http.MethodGet, path, nil, nil)
	var migrations []*meshosv1.MigrationView
	if err == nil {
		err = errorOf(got)
	}
	if err == nil {
		migrations, err = decodeList(got.body)
	}
	if err != nil {
		return nil, fmt.Errorf("GET %s%s: %w", o.client.base, path, err)
	}
	return migrations, nil
}

// changed logs when fetching begins to fail and when it works again. It logs nothing in
// between, so that a node that waits for its orchestrator does not fill its log.
func (o *orchestrator) changed(err error) {
	if err == nil {
		o.log.Info("the list of migrations can be fetched again", "url", o.client.base.String())
		return
	}
	o.log.Warn("the list of migrations can't be fetched; the plugin keeps trying", "error", err)
}
