package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newDaemonCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "daemon",
		Short: "Show, start and stop the daemons of a node",
		Long: `Shows the daemons of a node, and commands them. Commands are signed and confirmed like
those of meshos admin. What start and stop order takes precedence over the node's
configuration and outlives restarts, until the configuration's own value of that key
changes or ` + "`meshos daemon reset`" + ` returns to it.`,
	}
	cmd.AddCommand(
		newDaemonListCommand(a),
		newDaemonLogsCommand(a),
		newDaemonRestartCommand(a),
		newDaemonReloadCommand(a), newDaemonSignalCommand(a),
		newDaemonIntentCommand(a, "start", "Order a daemon to run", meshosv1.DaemonIntent_INTENT_RUN),
		newDaemonIntentCommand(a, "stop", "Order a daemon to stop and to stay stopped", meshosv1.DaemonIntent_INTENT_STOP),
		newDaemonIntentCommand(a, "reset", "Return to what the configuration says of a daemon", meshosv1.DaemonIntent_INTENT_UNSPECIFIED),
	)
	return cmd
}

func newDaemonIntentCommand(a *app, use, short string, intent meshosv1.DaemonIntent_Intent) *cobra.Command {
	cmd := &cobra.Command{
		Use: use + " ID|NAME", Short: short, Args: cobra.ExactArgs(1),
		Example:           "  meshos daemon " + use + " telemetry\n  meshos daemon " + use + " 3 --dry-run",
		ValidArgsFunction: a.completeDaemons,
	}
	f := addCommandFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			daemon, err := knownDaemon(s, args[0])
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetDaemonIntent{
				SetDaemonIntent: &meshosv1.SetDaemonIntent{Node: s.GetNode(), Daemon: daemon, Intent: intent},
			}}, err
		})
	}
	return cmd
}

func newDaemonRestartCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restart ID|NAME | --rolling",
		Short: "Stop a daemon and start it again; --rolling does so with all, one after the other",
		Long: `Stops a daemon, if it runs, and starts it again with the present configuration. A daemon
that waits to be started again, after a crash or because a start failed, starts at once.

--rolling restarts all daemons of the node one after the other, those that others come
after first, and waits until each is well: healthy where its health is checked, and else
running for 2 s. It stops at the first that is not well --within its time, and says which
are left. One-shots, and daemons that should not run, are left alone. Each restart is a
command of its own, which is signed when its turn comes; there is one question for all.`,
		Args:              cobra.MaximumNArgs(1),
		Example:           "  meshos daemon restart telemetry\n  meshos daemon restart 3 --dry-run\n  meshos daemon restart --rolling --within 5m",
		ValidArgsFunction: a.completeDaemons,
	}
	f := addCommandFlags(cmd, false)
	all := cmd.Flags().Bool("rolling", false, "restart all daemons of the node one after the other, each when the one before is well")
	within := cmd.Flags().Duration("within", 2*time.Minute, "with --rolling: how long each daemon may take to become well")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case *all && len(args) == 0:
			return a.rollingRestart(cmd, f, *within)
		case *all || len(args) == 0:
			return &usageError{err: errors.New("name one daemon, or restart all of them with --rolling"), help: cmd.CommandPath() + " --help"}
		case cmd.Flags().Changed("within"):
			return &usageError{err: errors.New("--within is for --rolling"), help: cmd.CommandPath() + " --help"}
		}
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			daemon, err := knownDaemon(s, args[0])
			if err == nil {
				err = restartable(s, daemon.GetId())
			}
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_RestartDaemon{
				RestartDaemon: &meshosv1.RestartDaemon{Node: s.GetNode(), Daemon: daemon},
			}}, err
		})
	}
	return cmd
}

// restartable returns why restarting a daemon would not start it.
func restartable(s *meshosv1.Snapshot, id uint64) error {
	for _, d := range s.GetDaemons() {
		name := view.Daemon(d.GetDaemon())
		switch {
		case d.GetDaemon().GetId() != id:
		case d.GetRejected() != "":
			return fmt.Errorf("daemon %s can't be started: %s", name, d.GetRejected())
		case d.GetIntent() != meshosv1.DaemonIntent_INTENT_RUN && d.GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_STOPPED:
			return fmt.Errorf("daemon %s is stopped and should be; start it with `meshos daemon start %d`", name, id)
		}
	}
	return nil
}

func newDaemonListCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [ID|NAME]",
		Short: "Show the daemons of a node, and what is wrong with each",
		Long: `Shows the daemons of a node: their states, processes and health, and for each that is
not well why, and when it is started again. With -o json each line is a DaemonView.`,
		Example:           "  meshos daemon list\n  meshos daemon list demo -o json | jq .last_exit",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeDaemons,
	}
	output, wide := addOutput(cmd), addWide(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := a.askSnapshot(cmd.Context())
		if err != nil {
			return err
		}
		if len(args) == 1 {
			only, err := knownDaemon(s, args[0])
			if err != nil {
				return err
			}
			s.Daemons = slices.DeleteFunc(s.Daemons, func(d *meshosv1.DaemonView) bool {
				return d.GetDaemon().GetId() != only.GetId()
			})
		}
		if *output != outputJSON {
			_, err = io.WriteString(a.out, a.pagePrinter(*wide).Daemons(s))
			return err
		}
		for _, d := range s.GetDaemons() {
			if err := view.JSON(a.out, d, true); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

// askSnapshot returns the newest snapshot of the node.
func (a *app) askSnapshot(ctx context.Context) (*meshosv1.Snapshot, error) {
	node, err := a.connect()
	if err != nil {
		return nil, err
	}
	defer node.close()
	return node.snapshot(ctx)
}

// newDaemonLogsCommand is `meshos logs --daemon`, with the daemon as its argument.
func newDaemonLogsCommand(a *app) *cobra.Command {
	cmd := newLogsCommand(a)
	cmd.Use = "logs ID|NAME"
	cmd.Short = "Show what a daemon printed, and how it was started and ended"
	cmd.Long = `Shows the lines of the node's log that are about one daemon: what it printed, and the
node's own lines about it. It has the flags of meshos logs.`
	cmd.Example = "  meshos daemon logs demo -n 20\n  meshos daemon logs demo -f --level warn"
	cmd.Args = cobra.ExactArgs(1)
	cmd.ValidArgsFunction = a.completeDaemons
	_ = cmd.Flags().MarkHidden("daemon")
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := cmd.Flags().Set("daemon", args[0]); err != nil {
			return err
		}
		return run(cmd, nil)
	}
	return cmd
}

// knownDaemon finds a daemon of the node by its id or name.
func knownDaemon(s *meshosv1.Snapshot, word string) (*meshosv1.DaemonRef, error) {
	ref, err := namedDaemon(s, word)
	if err != nil {
		return nil, err
	}
	var known []string
	for _, d := range s.GetDaemons() {
		if d.GetDaemon().GetId() == ref.GetId() {
			return ref, nil
		}
		known = append(known, nameOrID(d.GetDaemon().GetName(), d.GetDaemon().GetId()))
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("node %d has no daemons", s.GetNode())
	}
	return nil, fmt.Errorf("node %d has no daemon %d; it has %s", s.GetNode(), ref.GetId(), strings.Join(known, ", "))
}
