package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newChainCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "chain",
		Short: "Create, list and delete the replicated streams of a mesh",
		Long: `The chains of a mesh are replicated streams: what programs publish on the subjects of one is
stored on as many nodes as it has replicas. A node holds chains if its plugin mesh-nats has
chains = true. Where they are is decided by the nodes, by health, maintenance, labels and
scores; ` + "`meshos explain chain ID`" + ` says why.`,
	}
	cmd.AddCommand(newChainCreateCommand(a), newChainAdoptCommand(a), newChainListCommand(a), newChainSetCommand(a), newChainDeleteCommand(a))
	return cmd
}

func newChainCreateCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create NAME --subject SUBJECT",
		Short: "Create a chain",
		Long: `Orders, as an operator's command like any other, that the mesh has one more chain. The nodes
that are to hold it create it within seconds; ` + "`meshos chain list`" + ` shows when it has a leader.
With one replica a chain goes with its node; with two it stops if either is lost; with three
it goes on without one of them, with five without two.`,
		Example: `  meshos chain create orders --subject 'orders.>'
  meshos chain create bills --subject bills --spread rack
  meshos chain create events --subject events.eu --subject events.us --replicas 5 --max-age 72h`,
		Args: cobra.ExactArgs(1),
	}
	stored := addStoredFlags(cmd)
	f := addCommandFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		order, err := stored.order(cmd, args[0])
		if err != nil {
			return err
		}
		return a.newChain(cmd, f, order)
	}
	return cmd
}

func setChain(order *meshosv1.SetChain) *meshosv1.AdminEvent {
	return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetChain{SetChain: order}}
}

func newChainListCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the chains of the mesh",
		Long: `Lists the chains of the mesh. Who holds and leads one is known to the nodes that hold it;
--node asks another node. With -o json the output is a ListChainsResponse.`,
		Example: "  meshos chain list\n  meshos chain list --node bravo",
		Args:    cobra.NoArgs,
	}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		list, err := a.chains(cmd.Context(), false)
		if err != nil {
			return err
		}
		if *output == outputJSON {
			return view.JSON(a.out, list, false)
		}
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		s, err := node.snapshot(cmd.Context())
		if err != nil {
			return err
		}
		_, err = io.WriteString(a.out, a.printer(a.out).Chains(list, s))
		return err
	}
	return cmd
}

func newChainSetCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set CHAIN [--replicas N] [--spread LABEL]",
		Short: "Change how many nodes hold a chain, or how they are spread",
		Long: `Orders how many nodes hold a chain, named or by its id, and over which label of nodes they are
spread; --spread none ends that. The node that leads it places or evicts replicas, one after the
other. Another label counts for replicas that are placed from then on.`,
		Example: "  meshos chain set orders --replicas 5\n  meshos chain set orders --spread rack",
		Args:    cobra.ExactArgs(1),
	}
	replicas := cmd.Flags().Uint32("replicas", 0, "how many nodes hold it: 1, 2, 3 or 5 (default: as before)")
	spread := cmd.Flags().String("spread", "", "have its replicas on nodes with different values of this `LABEL`; none: wherever they are best (default: as before)")
	cmd.MarkFlagsOneRequired("replicas", "spread")
	f := addCommandFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.carryOut(cmd, f, func(*meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			order, err := a.chainNamed(cmd.Context(), args[0])
			if err != nil {
				return nil, err
			}
			if cmd.Flags().Changed("replicas") {
				order.Replicas = *replicas
			}
			switch {
			case *spread == "none":
				order.Spread = ""
			case cmd.Flags().Changed("spread"):
				order.Spread = *spread
			}
			return setChain(order), nil
		})
	}
	return cmd
}

func newChainDeleteCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete CHAIN",
		Short:   "Delete a chain, with all that is in it",
		Long:    "Orders that a chain, named or by its id, is none any more. Its messages are deleted on all nodes and can't be brought back.",
		Example: "  meshos chain delete orders",
		Args:    cobra.ExactArgs(1),
	}
	f := addCommandFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.carryOut(cmd, f, func(*meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			order, err := a.chainNamed(cmd.Context(), args[0])
			if err != nil {
				return nil, err
			}
			order.Deleted = true
			return setChain(order), nil
		})
	}
	return cmd
}

// chains asks what the chains of the mesh are.
func (a *app) chains(ctx context.Context, deleted bool) (*hostv1.ListChainsResponse, error) {
	node, err := a.connect()
	if err != nil {
		return nil, err
	}
	defer node.close()
	ctx, cancel := context.WithTimeout(ctx, node.timeout)
	defer cancel()
	list, err := node.ListChains(ctx, &hostv1.ListChainsRequest{Deleted: deleted})
	if err != nil {
		return nil, node.explain(err)
	}
	return list, nil
}

// chainNamed returns a chain of the mesh by its name or id, to be changed.
func (a *app) chainNamed(ctx context.Context, word string) (*meshosv1.SetChain, error) {
	list, err := a.chains(ctx, false)
	if err != nil {
		return nil, err
	}
	id, _ := strconv.ParseUint(word, 10, 64)
	for _, c := range list.GetChains() {
		if c.GetName() == word || id != 0 && c.GetChain() == id {
			return proto.Clone(c).(*meshosv1.SetChain), nil
		}
	}
	return nil, fmt.Errorf("the mesh has no chain %q; `meshos chain list` lists its chains", word)
}
