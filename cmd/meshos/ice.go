package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// longestFreeze is what nodes accept.
const longestFreeze = 24 * time.Hour

func newIceCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ice",
		Short: "Break-glass commands, which overrule the mesh",
		Long: `Break-glass commands overrule the mesh's own decisions, and work during a freeze.
The node first simulates the command. The result, its blast radius, is shown with
warnings, and its hash becomes part of what is signed. To confirm the command, its
name has to be typed.

Most of these commands need the signatures of two operators (operators.break_glass).
One operator proposes the command and signs it, the other one looks at it and signs
it, and either of them sends it:

  meshos ice freeze --ttl 10m --propose freeze.cmd
  meshos ice sign freeze.cmd     (both operators)
  meshos ice commit freeze.cmd

A proposal is valid for the time of operators.freshness (5m by default), and only on
the node that simulated it.`,
	}
	cmd.AddCommand(
		newFreezeCommand(a), newThawCommand(a), newFlushAvoidCommand(a), newEvictCommand(a), newRestartDaemonCommand(a),
		newCutoverCommand(a), newKillMigrationCommand(a), newExpelNodeCommand(a), newSetSignersCommand(a), newSignCommand(a, true), newCommitCommand(a, true),
	)
	return cmd
}

func newFreezeCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "freeze --ttl DURATION",
		Short:   "Stop all changes in the cluster for a while",
		Example: "  meshos ice freeze --ttl 10m --dry-run\n  meshos ice freeze --ttl 10m --propose freeze.cmd",
		Args:    cobra.NoArgs,
	}
	ttl := cmd.Flags().Duration("ttl", 0, "how long the freeze lasts, up to 24h")
	f := addCommandFlags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *ttl <= 0 || *ttl > longestFreeze {
			return &usageError{err: fmt.Errorf("--ttl: a freeze lasts more than 0 and at most 24h, not %v", *ttl), help: cmd.CommandPath() + " --help"}
		}
		return a.carryOut(cmd, f, func(*meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_FreezeCluster{
				FreezeCluster: &meshosv1.FreezeCluster{Ttl: durationpb.New(*ttl)},
			}}, nil
		})
	}
	return cmd
}

func newThawCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "thaw", Short: "End a freeze", Args: cobra.NoArgs,
		Example: "  meshos ice thaw",
	}
	f := addCommandFlags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.carryOut(cmd, f, func(*meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ThawCluster{ThawCluster: &meshosv1.ThawCluster{}}}, nil
		})
	}
	return cmd
}

func newFlushAvoidCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "flush-avoid --local NODE | --on-peer NODE | --global",
		Short:   "Empty avoid lists",
		Example: "  meshos ice flush-avoid --on-peer 2\n  meshos ice flush-avoid --global --dry-run",
		Args:    cobra.NoArgs,
	}
	local := addNodeFlag(a, cmd, "local", "the avoid list of the node with this `ID` or name")
	peer := addNodeFlag(a, cmd, "on-peer", "the entries for the node with this `ID` or name, on all nodes")
	global := cmd.Flags().Bool("global", false, "all entries on all nodes")
	cmd.MarkFlagsOneRequired("local", "on-peer", "global")
	cmd.MarkFlagsMutuallyExclusive("local", "on-peer", "global")
	f := addCommandFlags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			flush := &meshosv1.FlushAvoidLists{Scope: &meshosv1.FlushAvoidLists_Global{Global: *global}}
			var id uint64
			var err error
			switch {
			case local.word != "":
				id, err = local.id(s)
				flush.Scope = &meshosv1.FlushAvoidLists_Local{Local: id}
			case peer.word != "":
				id, err = peer.id(s)
				flush.Scope = &meshosv1.FlushAvoidLists_OnPeer{OnPeer: id}
			}
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_FlushAvoidLists{FlushAvoidLists: flush}}, err
		})
	}
	return cmd
}

func newEvictCommand(a *app) *cobra.Command {
	return newMoveCommand(a, "evict CHAIN --victim NODE", "Drop a chain's replica on a node at once", "victim", "the `ID` or name of the node that loses its replica",
		func(chain, node uint64) *meshosv1.AdminEvent {
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ForceEvictReplica{
				ForceEvictReplica: &meshosv1.ForceEvictReplica{Chain: chain, Victim: node},
			}}
		})
}

func newCutoverCommand(a *app) *cobra.Command {
	return newMoveCommand(a, "cutover CHAIN --target NODE", "Place a chain's replica on a node at once", "target", "the `ID` or name of the node that gets a replica",
		func(chain, node uint64) *meshosv1.AdminEvent {
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ForceCutover{
				ForceCutover: &meshosv1.ForceCutover{Chain: chain, Target: node},
			}}
		})
}

// newMoveCommand returns a command about a chain and a node.
func newMoveCommand(a *app, use, short, flag, doc string, event func(chain, node uint64) *meshosv1.AdminEvent) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1)}
	cmd.Example = "  meshos ice " + cmd.Name() + " 7 --" + flag + " 2"
	node := addNodeFlag(a, cmd, flag, doc)
	_ = cmd.MarkFlagRequired(flag)
	f := addCommandFlags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		chain, err := readID("chain", args[0])
		if err != nil {
			return &usageError{err: err, help: cmd.CommandPath() + " --help"}
		}
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			id, err := node.id(s)
			return event(chain, id), err
		})
	}
	return cmd
}

func newRestartDaemonCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "restart-daemon ID|NAME",
		Short:   "Restart a daemon at once; one that waits for its backoff starts",
		Example: "  meshos ice restart-daemon 3\n  meshos ice restart-daemon web --node bravo",
		Args:    cobra.ExactArgs(1),

		ValidArgsFunction: a.completeDaemons,
	}
	node := addNode(a, cmd)
	f := addCommandFlags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			on, of, err := a.nodeOfDaemon(cmd.Context(), node, s)
			if err != nil {
				return nil, err
			}
			daemon, err := namedDaemon(of, args[0])
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ForceRestartDaemon{
				ForceRestartDaemon: &meshosv1.ForceRestartDaemon{Daemon: daemon, Node: on},
			}}, err
		})
	}
	return cmd
}

// nodeOfDaemon returns the node that a command about a daemon names, and what that node shows. A
// node alone is not named: then commands are for the node that they are sent to.
func (a *app) nodeOfDaemon(ctx context.Context, f *nodeFlag, s *meshosv1.Snapshot) (uint64, *meshosv1.Snapshot, error) {
	id, err := f.or(s)
	switch {
	case err != nil:
		return 0, nil, err
	case id == s.GetNode() && s.GetMesh().GetHeight() == 0:
		return 0, s, nil
	case id == s.GetNode():
		return id, s, nil
	case s.GetMesh().GetHeight() == 0:
		return 0, nil, fmt.Errorf("--node: this node belongs to no mesh, so it can restart its own daemons alone; send the command to node %d", id)
	}
	other, err := a.connectTo(strconv.FormatUint(id, 10))
	if err != nil {
		return 0, nil, err
	}
	defer other.close()
	of, err := other.snapshot(ctx)
	return id, of, err
}

// namedDaemon finds a daemon by its id or name. An id that the node does not know is
// accepted: the simulation warns about it.
func namedDaemon(s *meshosv1.Snapshot, word string) (*meshosv1.DaemonRef, error) {
	id, notID := strconv.ParseUint(word, 10, 64)
	var found []*meshosv1.DaemonRef
	for _, d := range s.GetDaemons() {
		ref := d.GetDaemon()
		if notID == nil && ref.GetId() == id {
			return ref, nil
		}
		if ref.GetName() == word {
			found = append(found, ref)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, fmt.Errorf("several daemons have the name %q; use an id", word)
	case notID != nil:
		return nil, errors.New(unknownName("daemon", word, daemonRefs(s)))
	case id == 0:
		return nil, errors.New("ids of daemons are whole numbers from 1")
	}
	return &meshosv1.DaemonRef{Id: id}, nil
}

func newKillMigrationCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "kill-migration ID",
		Short:   "Abort a running migration",
		Example: "  meshos ice kill-migration 9",
		Args:    cobra.ExactArgs(1),
	}
	node := addNodeFlag(a, cmd, "node", "the `ID` or name of the node whose migration it is; needed in a mesh only if several have one with this id")
	f := addCommandFlags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := readID("migration", args[0])
		if err != nil {
			return &usageError{err: err, help: cmd.CommandPath() + " --help"}
		}
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			kill := &meshosv1.KillMigration{Migration: id}
			var err error
			if node.word != "" {
				kill.Node, err = node.id(s)
			}
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_KillMigration{KillMigration: kill}}, err
		})
	}
	return cmd
}
