package main

import (
	"errors"

	"github.com/spf13/cobra"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newSetPlacementCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set-placement CHAIN --replicas N | --reset",
		Short: "Order how many replicas of a chain there should be",
		Long: `Orders how many replicas of a chain a node asks for while it leads the chain. The order
takes precedence over the node's configuration until the configuration's own value
changes, or until --reset.`,
		Example: "  meshos admin set-placement 7 --replicas 3\n  meshos admin set-placement 7 --reset",
		Args:    cobra.ExactArgs(1),
	}
	node := addNode(a, cmd)
	replicas := cmd.Flags().Uint32("replicas", 0, "how many replicas there should be")
	cmd.Flags().Bool("reset", false, "return to what the configuration says")
	cmd.MarkFlagsOneRequired("replicas", "reset")
	cmd.MarkFlagsMutuallyExclusive("replicas", "reset")
	f := addCommandFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		chain, err := readID("chain", args[0])
		if err != nil {
			return &usageError{err: err, help: cmd.CommandPath() + " --help"}
		}
		order := &meshosv1.SetPlacement{Chain: chain}
		if cmd.Flags().Changed("replicas") {
			order.DesiredReplicas = replicas
		}
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			var err error
			order.Node, err = node.or(s)
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetPlacement{SetPlacement: order}}, err
		})
	}
	return cmd
}

func newSetReplicaCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set-replica CHAIN --hold | --drop | --reset",
		Short: "Order whether a node should hold a chain",
		Long: `Orders a node to hold a chain or not to hold it. The order takes precedence over the
node's configuration until the configuration's own value changes, or until --reset. A
replica is dropped only once enough other nodes hold the chain.`,
		Example: "  meshos admin set-replica 7 --hold\n  meshos admin set-replica 7 --reset",
		Args:    cobra.ExactArgs(1),
	}
	node := addNode(a, cmd)
	hold := cmd.Flags().Bool("hold", false, "the node should hold the chain")
	drop := cmd.Flags().Bool("drop", false, "the node should not hold the chain")
	reset := cmd.Flags().Bool("reset", false, "return to what the configuration says")
	cmd.MarkFlagsOneRequired("hold", "drop", "reset")
	cmd.MarkFlagsMutuallyExclusive("hold", "drop", "reset")
	f := addCommandFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		chain, err := readID("chain", args[0])
		if err == nil && !*hold && !*drop && !*reset { // --hold=false
			err = errors.New("want --hold, --drop or --reset")
		}
		if err != nil {
			return &usageError{err: err, help: cmd.CommandPath() + " --help"}
		}
		order := &meshosv1.SetLocalReplica{Chain: chain}
		switch {
		case *hold:
			order.Intent = meshosv1.LocalReplicaIntent_INTENT_HOLD
		case *drop:
			order.Intent = meshosv1.LocalReplicaIntent_INTENT_DROP
		}
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			var err error
			order.Node, err = node.or(s)
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetLocalReplica{SetLocalReplica: order}}, err
		})
	}
	return cmd
}
