package host

import (
	"context"

	"github.com/meshos/meshos/host/companion"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/process"
)

// smallProgram returns what shims, the watcher and helpers execute; nil for our own binary, in
// which case the log says why.
func smallProgram(ctx context.Context, cfg *config.Config, opts Options) *process.Program {
	program, err := companion.Open(ctx, companion.Options{Version: opts.Version, Dir: cfg.Node.DataDir})
	if err != nil {
		opts.Log.Warn(companion.Name+" is not used, and meshos itself does its work: each start of a daemon, plugin or health check "+
			"costs more time and memory; install it beside meshos, and restart the node", "reason", err)
		return nil
	}
	return program
}
