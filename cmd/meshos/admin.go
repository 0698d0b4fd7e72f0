package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newAdminCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "admin",
		Short: "Drain, cordon and repair a node, with signed commands",
		Long: `Commands that operators give a node. Each one first shows what it will do and asks
for confirmation. Then it is signed with a key of the ssh-agent or with --key-file
and sent; the node verifies it, carries it out or rejects it, and answers with its
audit record. A node whose configuration names no operators accepts commands
without a signature.

If several operators have to sign, --propose FILE writes the command to a file
instead, ` + "`meshos admin sign FILE`" + ` adds a signature to it, and
` + "`meshos admin commit FILE`" + ` sends it.

While the cluster is frozen, a node rejects all these commands; see meshos ice.`,
	}
	cmd.AddCommand(
		newEnterMaintenanceCommand(a), newDrainCommand(a), newDropReplicasCommand(a),
		newSetPlacementCommand(a), newSetReplicaCommand(a),
		newTargetCommand(a, "stop-node", "End a node's process; its daemons go on",
			func(t *meshosv1.NodeTarget) *meshosv1.AdminEvent {
				return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_StopNode{StopNode: t}}
			}),
		newTargetCommand(a, "exit-maintenance", "Take a node out of maintenance, or cancel entering it",
			func(t *meshosv1.NodeTarget) *meshosv1.AdminEvent {
				return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ExitMaintenance{ExitMaintenance: t}}
			}),
		newTargetCommand(a, "cordon", "Place no new replicas on a node",
			func(t *meshosv1.NodeTarget) *meshosv1.AdminEvent {
				return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Cordon{Cordon: t}}
			}),
		newTargetCommand(a, "uncordon", "Allow replicas on a node again, and end its drain",
			func(t *meshosv1.NodeTarget) *meshosv1.AdminEvent {
				return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Uncordon{Uncordon: t}}
			}),
		newTargetCommand(a, "restart-daemons", "Stop and start every running daemon of a node",
			func(t *meshosv1.NodeTarget) *meshosv1.AdminEvent {
				return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_RestartAllDaemons{RestartAllDaemons: t}}
			}),
		newTargetCommand(a, "clear-avoid", "Empty the avoid list of a node",
			func(t *meshosv1.NodeTarget) *meshosv1.AdminEvent {
				return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ClearAvoidList{ClearAvoidList: t}}
			}),
		newTargetCommand(a, "invalidate-placement", "Forget the placement scores of a node",
			func(t *meshosv1.NodeTarget) *meshosv1.AdminEvent {
				return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_InvalidatePlacement{InvalidatePlacement: t}}
			}),
		newSignCommand(a, false), newCommitCommand(a, false),
	)
	return cmd
}

// addNode adds --node.
func addNode(a *app, cmd *cobra.Command) *nodeFlag {
	return addNodeFlag(a, cmd, "node", "the `ID` or name of the node to act on (default: the node that the command is sent to)")
}

// newTargetCommand returns a command that has no parameter but the node.
func newTargetCommand(a *app, use, short string, event func(*meshosv1.NodeTarget) *meshosv1.AdminEvent) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	cmd.Example = "  meshos admin " + use + "\n  meshos admin " + use + " --node db-2 --dry-run"
	node := addNode(a, cmd)
	f := addCommandFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			id, err := node.or(s)
			return event(&meshosv1.NodeTarget{Node: id}), err
		})
	}
	return cmd
}

func newEnterMaintenanceCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "enter-maintenance",
		Short: "Empty a node and take it out of service",
		Long: `Empties a node: drops its replicas once enough other nodes hold them, and stops its
daemons, except for the essential ones. When all of that is done the node is in
maintenance. If it takes longer than --within, the drain has failed.

--monitor shows what is left and what it waits for, until the node is empty. Ctrl-C
ends the display, not the drain.`,
		Example: `  meshos admin enter-maintenance --within 10m --monitor
  meshos admin enter-maintenance --node 2`,
		Args: cobra.NoArgs,
	}
	node := addNode(a, cmd)
	within := cmd.Flags().Duration("within", 0, "how long the drain may take (default: maintenance.drain_deadline of the node)")
	f := addCommandFlags(cmd, false)
	addMonitor(cmd, f)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			window, err := windowOf(*within)
			id, unknown := node.or(s)
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_EnterMaintenance{
				EnterMaintenance: &meshosv1.EnterMaintenance{Node: id, DrainFor: window},
			}}, cmp.Or(err, unknown)
		})
	}
	return cmd
}

func newDrainCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drain",
		Short: "Empty a node and keep it empty, without maintenance",
		Long: `Cordons a node and empties it as enter-maintenance does, but the node stays active.
The drain is done when nothing is left: the processes have ended and the replicas are
gone. The node then stays cordoned until ` + "`meshos admin uncordon`" + `. A drain that takes
longer than --within goes on, and a failure record lists what is left.

--monitor shows what is left and what it waits for, until the node is empty. Ctrl-C
ends the display, not the drain.

In a mesh, --nodes with --one-by-one drains several nodes, each once the one before is
drained, and asks before the next one. It stops at the first trouble: an order that is
refused, a node that does not answer for 30s, a deadline that is over, a drain of which
nothing changed for --stall, a freeze, or another node that is not well any more. Then,
and at Ctrl-C, it says what is done, what is left, and with which command to go on. A
drain that was ordered goes on meanwhile. -o json prints one object for each node.`,
		Example: `  meshos admin drain --monitor
  meshos admin drain --within 30m --yes
  meshos admin drain --nodes alpha,bravo,charlie --one-by-one`,
		Args: cobra.NoArgs,
	}
	node := addNode(a, cmd)
	within := cmd.Flags().Duration("within", 0, "how long the drain should take (default: maintenance.drain_deadline of the node)")
	nodes := cmd.Flags().StringSlice("nodes", nil, "the `IDs` or names of the nodes to drain, in this order; with --one-by-one")
	_ = cmd.RegisterFlagCompletionFunc("nodes", a.completeNodes)
	oneByOne := cmd.Flags().Bool("one-by-one", false, "drain the nodes of --nodes one after the other")
	stall := cmd.Flags().Duration("stall", 5*time.Minute, "with --one-by-one: stop when nothing of what is left changed for so long")
	f := addCommandFlags(cmd, false)
	addMonitor(cmd, f)
	for _, other := range []string{"node", "monitor", "here", "propose"} {
		cmd.MarkFlagsMutuallyExclusive("nodes", other)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("nodes") || *oneByOne {
			return a.drainNodes(cmd, f, *nodes, *oneByOne, *within, *stall)
		}
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			window, err := windowOf(*within)
			id, unknown := node.or(s)
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Drain{
				Drain: &meshosv1.Drain{Node: id, DrainFor: window},
			}}, cmp.Or(err, unknown)
		})
	}
	return cmd
}

// windowOf returns the time that a drain has; nil stands for the node's default.
func windowOf(d time.Duration) (*durationpb.Duration, error) {
	if d < 0 {
		return nil, fmt.Errorf("--within: must not be negative, is %v", d)
	}
	if d == 0 {
		return nil, nil
	}
	return durationpb.New(d), nil
}

func newDropReplicasCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "drop-replicas CHAIN…",
		Short:   "Drop a node's replicas of some chains, as far as that is safe",
		Example: "  meshos admin drop-replicas 7 8",
		Args:    cobra.MinimumNArgs(1),
	}
	node := addNode(a, cmd)
	f := addCommandFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		chains := make([]uint64, len(args))
		for i, arg := range args {
			var err error
			if chains[i], err = readID("chain", arg); err != nil {
				return &usageError{err: err, help: cmd.CommandPath() + " --help"}
			}
		}
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			id, err := node.or(s)
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_DropReplicas{
				DropReplicas: &meshosv1.DropReplicas{Node: id, Chains: chains},
			}}, err
		})
	}
	return cmd
}

// readID reads the id of a chain, a migration and so on.
func readID(what, word string) (uint64, error) {
	id, err := strconv.ParseUint(word, 10, 64)
	if errors.Is(err, strconv.ErrRange) || err == nil && id == 0 {
		return 0, fmt.Errorf("%s %q: ids are whole numbers from 1 to 2^64-1", what, word)
	}
	if err != nil {
		return 0, fmt.Errorf("%s %q: want an id, a whole number", what, word)
	}
	return id, nil
}
