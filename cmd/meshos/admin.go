package main

import (
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
		Long: `Commands of operators. Each shows what it will do and asks; then it is signed with a
key of the ssh-agent (or --key-file), and the node judges it and answers with its
audit record. A node whose configuration names no operators takes it unsigned.

Where several operators have to sign, --propose FILE writes the command to a file;
` + "`meshos admin sign FILE`" + ` and ` + "`meshos admin commit FILE`" + ` take it from there.

While the cluster is frozen these commands are refused; see meshos ice.`,
	}
	cmd.AddCommand(
		newEnterMaintenanceCommand(a), newDrainCommand(a), newDropReplicasCommand(a),
		newTargetCommand(a, "exit-maintenance", "Bring a node back from maintenance, or stop it entering",
			func(t *meshosv1.NodeTarget) *meshosv1.AdminEvent {
				return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ExitMaintenance{ExitMaintenance: t}}
			}),
		newTargetCommand(a, "cordon", "Keep new replicas away from a node",
			func(t *meshosv1.NodeTarget) *meshosv1.AdminEvent {
				return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Cordon{Cordon: t}}
			}),
		newTargetCommand(a, "uncordon", "Let a node have replicas again, and end its drain",
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

// addNode adds --node, whose zero stands for the node that is asked.
func addNode(cmd *cobra.Command) *uint64 {
	return cmd.Flags().Uint64("node", 0, "the node that is meant (default: the one that is asked)")
}

func nodeOr(id uint64, s *meshosv1.Snapshot) uint64 {
	if id == 0 {
		return s.GetNode()
	}
	return id
}

// newTargetCommand makes a command that needs nothing but a node.
func newTargetCommand(a *app, use, short string, event func(*meshosv1.NodeTarget) *meshosv1.AdminEvent) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	cmd.Example = "  meshos admin " + use + "\n  meshos admin " + use + " --node 2 --dry-run"
	node := addNode(cmd)
	f := addCommandFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			return event(&meshosv1.NodeTarget{Node: nodeOr(*node, s)}), nil
		})
	}
	return cmd
}

func newEnterMaintenanceCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "enter-maintenance",
		Short: "Empty a node and take it out of service",
		Long: `Empties a node: its replicas are dropped once enough others hold them, and its
daemons stop but for the essential ones. It is in maintenance when that is done, and
failed to drain when it is not within the time given.

--monitor shows what is left and what it waits for, until it is done. Ctrl-C ends the
watching, not the drain.`,
		Example: `  meshos admin enter-maintenance --within 10m --monitor
  meshos admin enter-maintenance --node 2`,
		Args: cobra.NoArgs,
	}
	node := addNode(cmd)
	within := cmd.Flags().Duration("within", 0, "how long it may take (default: maintenance.drain_deadline of the node)")
	f := addCommandFlags(cmd, false)
	addMonitor(cmd, f)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			window, err := windowOf(*within)
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_EnterMaintenance{
				EnterMaintenance: &meshosv1.EnterMaintenance{Node: nodeOr(*node, s), DrainFor: window},
			}}, err
		})
	}
	return cmd
}

func newDrainCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drain",
		Short: "Empty a node and keep it empty, without maintenance",
		Long: `Cordons a node and empties it as enter-maintenance does, but the node stays active.
It is done when nothing is left there: processes have ended and replicas are gone. The
node then stays cordoned until ` + "`meshos admin uncordon`" + `. Past the time given a failure
record lists what is left, and it goes on.

--monitor shows what is left and what it waits for, until it is done. Ctrl-C ends the
watching, not the drain.`,
		Example: `  meshos admin drain --monitor
  meshos admin drain --within 30m --yes`,
		Args: cobra.NoArgs,
	}
	node := addNode(cmd)
	within := cmd.Flags().Duration("within", 0, "how long it should take (default: maintenance.drain_deadline of the node)")
	f := addCommandFlags(cmd, false)
	addMonitor(cmd, f)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			window, err := windowOf(*within)
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Drain{
				Drain: &meshosv1.Drain{Node: nodeOr(*node, s), DrainFor: window},
			}}, err
		})
	}
	return cmd
}

// windowOf gives a time for draining, nil for the node's own.
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
		Short:   "Drop a node's replicas of chains, as far as that is safe",
		Example: "  meshos admin drop-replicas 7 8",
		Args:    cobra.MinimumNArgs(1),
	}
	node := addNode(cmd)
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
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_DropReplicas{
				DropReplicas: &meshosv1.DropReplicas{Node: nodeOr(*node, s), Chains: chains},
			}}, nil
		})
	}
	return cmd
}

// readID reads the id of a chain, a node and the like.
func readID(what, word string) (uint64, error) {
	id, err := strconv.ParseUint(word, 10, 64)
	if errors.Is(err, strconv.ErrRange) || err == nil && id == 0 {
		return 0, fmt.Errorf("%s %q: ids are whole numbers from 1 to 2^64-1", what, word)
	}
	if err != nil {
		return 0, fmt.Errorf("%s %q: want its id, a number", what, word)
	}
	return id, nil
}
