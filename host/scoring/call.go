package scoring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/guard"
)

// ask calls the scorer once and checks its answer against the view.
func (d *Driver) ask(ctx context.Context, scorer Scorer, req Request) (mesh.Scores, error) {
	answer, err := d.call(ctx, scorer, req)
	if err != nil {
		return mesh.Scores{}, err
	}
	if answer.Changes && req.Full {
		return mesh.Scores{}, errors.New("it answered with changes, but was asked for all scores")
	}
	table, bad, err := check(&d.view.now, answer)
	if err == nil && bad.n > 0 && !d.faultReported {
		d.faultReported = true
		d.report(ctx, scorer, bad.String())
	}
	return table, err
}

// timePerChain is how much longer a call may take for each chain that is scored: a second
// for 25,000. How long a scorer may be silent meanwhile is not decided here.
const timePerChain = 40 * time.Microsecond

// call calls the scorer, with a deadline and guarded against panics.
func (d *Driver) call(ctx context.Context, scorer Scorer, req Request) (answer mesh.Scores, err error) {
	limit := d.opts.Timeout + (time.Duration(req.Led) * timePerChain).Truncate(time.Second)
	late := fmt.Errorf("no answer within %v", limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	err = guard.Call(func() error {
		answer, err = scorer.Score(ctx, req)
		return err
	})
	if p := (*guard.PanicError)(nil); errors.As(err, &p) {
		return mesh.Scores{}, fmt.Errorf("it %w", err)
	}
	if ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err())) {
		err = context.Cause(ctx)
	}
	return answer, err
}

// errorText returns an error for people. It omits that the scorer is a plugin, since
// the context shows that.
func errorText(err error) string { return strings.TrimPrefix(err.Error(), "plugin ") }

// pluginOf returns the plugin of that name; the zero value if there is none.
func pluginOf(s *snapshot.Snapshot, name string) snapshot.Plugin {
	for _, p := range s.Plugins {
		if p.Name == name {
			return p
		}
	}
	return snapshot.Plugin{}
}

// unavailable returns why a scorer can't be asked; "" if it can.
func unavailable(scorer Scorer, p snapshot.Plugin) string {
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
	default: // it is ready, or not a plugin
		return ""
	}
	why := scorer.Name() + " is " + status
	if p.Message != "" {
		why += ": " + p.Message
	}
	return why
}
