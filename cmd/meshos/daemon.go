package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newDaemonCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "daemon",
		Short: "Start and stop daemons, with signed commands",
		Long: `Commands about the daemons of a node. They are signed and confirmed like those of
meshos admin. What they order takes precedence over the node's configuration and
outlives restarts, until the configuration's own value of that key changes or
` + "`meshos daemon reset`" + ` returns to it.`,
	}
	cmd.AddCommand(
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
