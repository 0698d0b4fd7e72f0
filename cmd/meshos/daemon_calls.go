package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newDaemonReloadCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload ID|NAME",
		Short: "Have a daemon read its own configuration again, without a restart",
		Long: `Has a running daemon read its own configuration again, once: by its reload_signal, or by its
reload_command, for whose end the command waits. What that printed is in the daemon's log.
What the node's configuration says of the daemon is taken over by ` + "`meshos reload`" + `; a changed
command, env or dir needs a restart of the daemon.`,
		Args:              cobra.ExactArgs(1),
		Example:           "  meshos daemon reload nginx\n  meshos daemon reload 3 --dry-run",
		ValidArgsFunction: a.completeDaemons,
	}
	f := addCommandFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			d, err := runningDaemon(s, args[0])
			if err != nil {
				return nil, err
			}
			if !d.GetReloadable() {
				return nil, fmt.Errorf("daemon %s can't be reloaded: its entry has neither reload_signal nor reload_command\n"+
					"    add one and `meshos reload`, or restart it with `meshos daemon restart %d`", view.Daemon(d.GetDaemon()), d.GetDaemon().GetId())
			}
			f.then = a.outcomeOf(f, "reloaded", func(action *meshosv1.Action) bool {
				return action.GetAskReload().GetDaemon().GetId() == d.GetDaemon().GetId()
			})
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ReloadDaemon{
				ReloadDaemon: &meshosv1.ReloadDaemon{Node: s.GetNode(), Daemon: d.GetDaemon()},
			}}, nil
		})
	}
	return cmd
}

func newDaemonSignalCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "signal ID|NAME SIGNAL",
		Short: "Send a signal to the main process of a daemon",
		Long: `Sends a signal to the main process of a running daemon, once; not to its children. If the
signal ends the daemon, it is started again as after any other end: use ` + "`meshos daemon stop`" + `
to end it, and ` + "`meshos daemon restart`" + ` to restart it.`,
		Args:    cobra.ExactArgs(2),
		Example: "  meshos daemon signal nginx USR1\n  meshos daemon signal 3 SIGQUIT --dry-run",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return wire.Signals(), cobra.ShellCompDirectiveNoFileComp
			}
			return a.completeDaemons(cmd, args, begun)
		},
	}
	f := addCommandFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		signal, ok := wire.Signal(args[1])
		if !ok {
			return &usageError{err: fmt.Errorf("%q is not a signal; for example HUP, USR1, TERM", args[1]), help: cmd.CommandPath() + " --help"}
		}
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			d, err := runningDaemon(s, args[0])
			if err != nil {
				return nil, err
			}
			f.then = a.outcomeOf(f, "sent", func(action *meshosv1.Action) bool {
				sent := action.GetSendSignal()
				return sent.GetDaemon().GetId() == d.GetDaemon().GetId() && sent.GetSignal() == signal
			})
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SignalDaemon{
				SignalDaemon: &meshosv1.SignalDaemon{Node: s.GetNode(), Daemon: d.GetDaemon(), Signal: signal},
			}}, nil
		})
	}
	return cmd
}

// runningDaemon finds a daemon of the node that has a process.
func runningDaemon(s *meshosv1.Snapshot, word string) (*meshosv1.DaemonView, error) {
	ref, err := knownDaemon(s, word)
	if err != nil {
		return nil, err
	}
	d := daemonView(s, ref.GetId())
	if d.GetLifecycle() != meshosv1.DaemonView_LIFECYCLE_RUNNING {
		return nil, fmt.Errorf("daemon %s does not run", view.Daemon(ref))
	}
	return d, nil
}

// daemonView returns a daemon of a snapshot; an empty one if there is none.
func daemonView(s *meshosv1.Snapshot, id uint64) *meshosv1.DaemonView {
	for _, d := range s.GetDaemons() {
		if d.GetDaemon().GetId() == id {
			return d
		}
	}
	return &meshosv1.DaemonView{}
}

// outcomeWithin is how long a command waits to say what became of it.
const outcomeWithin = 20 * time.Second

// outcomeOf returns a function that waits for what became of an accepted command: for the
// record of the first matching action after it.
func (a *app) outcomeOf(
	f *commandFlags, done string, matches func(*meshosv1.Action) bool,
) func(context.Context, *nodeClient, *meshosv1.AdminAuditRecord) error {
	return func(ctx context.Context, node *nodeClient, accepted *meshosv1.AdminAuditRecord) error {
		waiting, cancel := context.WithTimeout(ctx, outcomeWithin)
		defer cancel()
		var found *meshosv1.ActionRecord
		stream, err := node.TailActions(waiting, &hostv1.TailRequest{Follow: true, Since: accepted.GetCommittedAt()})
		err = receive(waiting, node, stream, err, func(r *meshosv1.ActionRecord) error {
			if !matches(r.GetAction()) {
				return nil
			}
			found = r
			return io.EOF
		})
		switch {
		case found == nil && ctx.Err() != nil:
			return ctx.Err()
		case found == nil && errors.Is(waiting.Err(), context.DeadlineExceeded):
			return fmt.Errorf("it was accepted, but not carried out within %v; meshos actions and meshos failures show what became of it", outcomeWithin)
		case found == nil:
			return err
		case found.GetOutcome() != meshosv1.ActionRecord_OUTCOME_DISPATCHED:
			return fmt.Errorf("it was accepted, but failed: %s", view.Plain(found.GetReason()))
		}
		if *f.output == outputTable {
			_, err = fmt.Fprintf(a.out, "Done: %s.\n", done)
			return err
		}
		return nil
	}
}
