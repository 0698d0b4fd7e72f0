package scoring

import (
	"context"
	"fmt"
	"strings"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// ask is one call, bounded by a deadline and guarded against panics, with its
// answer checked against the view.
func (d *Driver) ask(ctx context.Context, scorer Scorer, req Request) (mesh.Scores, error) {
	answer, err := d.call(ctx, scorer, req)
	if err != nil {
		return mesh.Scores{}, err
	}
	table, bad, err := check(&d.now, answer)
	if err == nil && bad.n > 0 && !d.lied {
		d.lied = true
		d.report(ctx, scorer, bad.String())
	}
	return table, err
}

func (d *Driver) call(ctx context.Context, scorer Scorer, req Request) (answer mesh.Scores, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d.opts.Timeout, fmt.Errorf("no answer within %v", d.opts.Timeout))
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("it panicked: %v", v)
		}
	}()
	answer, err = scorer.Score(ctx, req)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return answer, err
}

// words gives an error as people read it, without what they know already.
func words(err error) string { return strings.TrimPrefix(err.Error(), "plugin ") }

// pluginOf finds the plugin that a scorer is; the zero value for one that is none.
func pluginOf(s *snapshot.Snapshot, name string) snapshot.Plugin {
	for _, p := range s.Plugins {
		if p.Name == name {
			return p
		}
	}
	return snapshot.Plugin{}
}

// away says why a scorer can't be asked; empty if it can.
func away(scorer Scorer, p snapshot.Plugin) string {
	if scorer.NoOp() {
		if p.Name == "" {
			return "there is no placement scorer"
		}
		return scorer.Name() + " is a placeholder without opinions"
	}
	status := ""
	switch p.Status {
	case snapshot.PluginStarting:
		status = "starting"
	case snapshot.PluginLagging:
		status = "lagging"
	case snapshot.PluginBackingOff:
		status = "backing off"
	case snapshot.PluginQuarantined:
		status = "quarantined"
	case snapshot.PluginDisabled:
		status = "disabled"
	case snapshot.PluginRejected:
		status = "rejected"
	default: // ready, or none of the plugins
		return ""
	}
	why := scorer.Name() + " is " + status
	if p.Message != "" {
		why += ": " + p.Message
	}
	return why
}
