package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/internal/readfile"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newExpelNodeCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "expel-node ID",
		Short: "End a node's membership in the mesh, or take its token back",
		Long: `Orders that a node is no member of the mesh any more. The others end their links with it at
once, and forget it. Its id is given again only to a machine that replaces it
(meshos mesh token --replace). Of an id with an open token, the token is taken back.`,
		Example: "  meshos ice expel-node 3",
		Args:    cobra.ExactArgs(1),
	}
	f := addMeshFlags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := readID("node", args[0])
		if err != nil {
			return &usageError{err: err, help: cmd.CommandPath() + " --help"}
		}
		return a.carryOut(cmd, f, func(*meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ExpelNode{ExpelNode: &meshosv1.ExpelNode{Node: id}}}, nil
		})
	}
	return cmd
}

func newSetSignersCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set-signers FILE",
		Short: "Replace who may command the mesh",
		Long: `Orders that those whom an allowed_signers file names command the mesh from then on, and how
many of them have to sign what. A list whose keys are too few for that is rejected.`,
		Example: "  meshos ice set-signers allowed_signers --ordinary 1 --break-glass 2",
		Args:    cobra.ExactArgs(1),
	}
	ordinary := cmd.Flags().Uint32("ordinary", 1, "how many operators have to sign an ordinary command")
	breakGlass := cmd.Flags().Uint32("break-glass", 2, "the same of a break-glass command")
	thaw := cmd.Flags().Uint32("thaw", 1, "the same of a thaw")
	f := addMeshFlags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text, err := readfile.Read(args[0], rules.MaxPayload/2)
		if err != nil {
			return fmt.Errorf("the list of signers: %w", err)
		}
		return a.carryOut(cmd, f, func(*meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetSigners{SetSigners: &meshosv1.SetSigners{
				AllowedSigners: string(text), Ordinary: *ordinary, BreakGlass: *breakGlass, Thaw: *thaw,
			}}}, nil
		})
	}
	return cmd
}
