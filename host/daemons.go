package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/daemon/health"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// ShimCommand is the subcommand of this binary that supervises one daemon.
const ShimCommand = "daemon-shim"

// newDaemons gives the manager of the daemons, which knows those of the configuration.
func (n *node) newDaemons(spawner *process.Spawner) *daemon.Manager {
	m := daemon.New(daemon.Options{
		Dir: filepath.Join(n.cfg.Node.DataDir, "daemons"),
		// The file that is running, also when another one has its name by now.
		Shim:    []string{"/proc/self/exe", ShimCommand},
		Spawner: spawner, Events: heard{n.handle},
		StopGrace: n.cfg.Restart.StopGrace, CloseGrace: endDaemons, Log: n.log,
	})
	m.Configure(daemonSpecs(n.cfg))
	return m
}

// heard brings events of daemons to the loop as long as it runs.
type heard struct{ *loop.Handle }

// Publish implements daemon.Events.
func (h heard) Publish(ctx context.Context, ev mesh.Event) error {
	err := h.Handle.Publish(ctx, ev)
	if errors.Is(err, loop.ErrLoopClosed) {
		return fmt.Errorf("%w: %w", daemon.ErrUnheard, err)
	}
	return err
}

// adoptDaemons goes on with the daemons that an earlier run of the node left. It
// comes before the loop, which hears of them before its first tick.
func (n *node) adoptDaemons(ctx context.Context) {
	if err := n.daemons.Adopt(ctx); err != nil {
		n.log.Error("daemons of an earlier run could not be taken over", "error", err)
		n.reports.add("daemons", err.Error())
	}
	if running := names(n.daemons.Running()); running != "" {
		n.log.Info("daemons of an earlier run go on", "daemons", running)
	}
}

// endDaemons stops the daemons if the node was told to, and else lets go of them.
func (n *node) endDaemons() {
	if n.opts.StopDaemons {
		ctx, cancel := context.WithTimeout(context.Background(), endDaemons+endDaemons/4)
		defer cancel()
		if err := n.daemons.StopAll(ctx); err != nil {
			n.log.Error("daemons were left behind", "error", err)
		}
	} else if running := names(n.daemons.Running()); running != "" {
		n.log.Info("daemons go on without the node; the next one takes them over, and run --stop-daemons stops them with it",
			"daemons", running)
	}
	n.daemons.Close()
}

// names lists daemons with their processes, for people.
func names(running []daemon.Running) string {
	out := make([]string, len(running))
	for i, r := range running {
		out[i] = r.Daemon.String() + " as process " + strconv.Itoa(r.PID)
	}
	return strings.Join(out, ", ")
}

func daemonSpecs(cfg *config.Config) (out []daemon.Spec) {
	for _, d := range cfg.Daemons {
		spec := daemon.Spec{Daemon: d.Ref(), Command: d.Command, Env: d.Env, Dir: d.Dir}
		if h := d.Health; h != nil {
			spec.Health = &health.Check{
				Type: h.Type, Target: h.Target, Command: h.Command, Interval: h.Interval, Timeout: h.Timeout,
				Thresholds: health.Thresholds{Failures: h.Failures, Successes: h.Successes},
			}
		}
		out = append(out, spec)
	}
	return out
}
