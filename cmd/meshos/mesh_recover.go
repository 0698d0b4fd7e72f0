package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/meshlog"
	"github.com/meshos/meshos/host/nodekey"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/internal/readfile"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newMeshRecoverCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Replace who may command the mesh, when all keys are lost",
		Long: `When nobody can command the mesh any more, since the operators' keys are lost or expired, the
seeds replace who may: more than half of them, each signing with the key of its node, which
only root and the node's user can read.

  alpha# meshos mesh recover start --signers allowed_signers --reason "all keys burnt"
  meshosrecovery1.…
  bravo# meshos mesh recover sign meshosrecovery1.…     # on each further seed
  meshosrecovery1.…                                     # with one more signature
  bravo# meshos mesh recover finish meshosrecovery1.…   # on any node

The order is in the audit records of all nodes, and each of them shows an alarm for a day, or
until one of the new operators runs meshos mesh recover acknowledge.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return &usageError{err: errors.New("a command is missing: mesh recover start, sign, finish or acknowledge"), help: cmd.CommandPath() + " --help"}
		},
	}
	cmd.AddCommand(newRecoverStartCommand(a), newRecoverSignCommand(a), newRecoverFinishCommand(a), newRecoverAcknowledgeCommand(a))
	return cmd
}

func newRecoverStartCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "start --signers FILE",
		Short: "Begin a recovery on a seed, and sign it there",
		Long: `Prints a recovery that replaces who may command the mesh, signed with the key of this node,
which has to be a seed and to run. It is good for a day. Nothing changes before it is
finished.`,
		Example: `  sudo meshos mesh recover start --signers allowed_signers --break-glass 1 --reason "all keys burnt"`,
		Args:    cobra.NoArgs,
	}
	file := cmd.Flags().String("signers", "", "an allowed_signers `FILE`: who may command the mesh from then on")
	_ = cmd.MarkFlagRequired("signers")
	ordinary := cmd.Flags().Uint32("ordinary", 1, "how many operators have to sign an ordinary command")
	breakGlass := cmd.Flags().Uint32("break-glass", 2, "the same of a break-glass command")
	thaw := cmd.Flags().Uint32("thaw", 1, "the same of a thaw")
	reason := cmd.Flags().String("reason", "", "why, for the audit records")
	yes := cmd.Flags().BoolP("yes", "y", false, "don't ask for confirmation")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		text, err := readfile.Read(*file, rules.MaxPayload/2)
		if err != nil {
			return fmt.Errorf("the list of signers: %w", err)
		}
		commands := mesh.SetSigners{AllowedSigners: string(text), NeedOrdinary: *ordinary, NeedBreakGlass: *breakGlass, NeedThaw: *thaw}
		if err := cluster.CheckSigners(commands, a.now()); err != nil {
			return fmt.Errorf("%s: %w", *file, err)
		}
		return a.signRecovery(cmd.Context(), *yes, func(m *meshosv1.MeshView) (*meshosv1.Recovery, error) {
			var founding cluster.Hash
			copy(founding[:], m.GetFounding())
			return cluster.NewRecovery(m.GetClusterId(), founding, m.GetSignersHeight(), commands, *reason, a.now()), nil
		})
	}
	return cmd
}

func newRecoverSignCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "sign RECOVERY",
		Short:   "Sign a recovery on a further seed",
		Long:    `Shows who would command the mesh, asks, and prints the recovery with the signature of this node.`,
		Example: "  sudo meshos mesh recover sign meshosrecovery1.…",
		Args:    cobra.ExactArgs(1),
	}
	yes := cmd.Flags().BoolP("yes", "y", false, "don't ask for confirmation")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := meshlog.ParseRecovery(args[0])
		if err != nil {
			return &usageError{err: err, help: cmd.CommandPath() + " --help"}
		}
		return a.signRecovery(cmd.Context(), *yes, func(*meshosv1.MeshView) (*meshosv1.Recovery, error) { return r, nil })
	}
	return cmd
}

// signRecovery signs a recovery with the key of this node, and prints it.
func (a *app) signRecovery(ctx context.Context, yes bool, make func(*meshosv1.MeshView) (*meshosv1.Recovery, error)) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	key, err := nodekey.Read(cfg.Node.DataDir)
	if err != nil {
		return fmt.Errorf("the key of this node, which only root and the node's user can read: %w", err)
	}
	node, err := a.connect()
	if err != nil {
		return err
	}
	defer node.close()
	s, err := node.snapshot(ctx)
	if err != nil {
		return err
	}
	m := s.GetMesh()
	switch {
	case m.GetHeight() == 0:
		return errors.New("this node belongs to no mesh")
	case !m.GetSeed():
		return errors.New("this node is no seed, so its signature does not count; `meshos nodes` shows the seeds")
	}
	r, err := make(m)
	switch {
	case err != nil:
		return err
	case r.GetClusterId() != m.GetClusterId():
		return fmt.Errorf("the recovery is for another mesh, %s", view.Plain(r.GetClusterId()))
	case r.GetReplaces() != m.GetSignersHeight():
		return errors.New("the signers were replaced since the recovery was begun; `meshos mesh recover start` begins another one")
	}
	_, _ = fmt.Fprint(a.err, a.recoveryText(r))
	if !yes {
		_, _ = fmt.Fprint(a.err, "Type recover to sign this with the key of this node: ")
		line, _ := bufio.NewReader(a.in).ReadString('\n')
		if strings.TrimSpace(line) != "recover" {
			return errors.New("nothing was signed")
		}
	}
	cluster.SignRecovery(r, mesh.NodeID(s.GetNode()), key)
	text, err := meshlog.RecoveryText(r)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(a.out, text)
	have, need := len(r.GetSignatures()), int(m.GetSeeds())/2+1
	if have < need {
		a.note(fmt.Sprintf("%d of %d seeds have signed it, and %d have to: on another seed run meshos mesh recover sign RECOVERY", have, m.GetSeeds(), need))
		return nil
	}
	a.note(fmt.Sprintf("%d of %d seeds have signed it, which is enough: run meshos mesh recover finish RECOVERY", have, m.GetSeeds()))
	return nil
}

// recoveryText shows a recovery.
func (a *app) recoveryText(r *meshosv1.Recovery) string {
	var b strings.Builder
	in := r.GetSigners()
	fmt.Fprintf(&b, "Replace who may command the mesh %s. From then on these may, and nobody else:\n", view.Plain(r.GetClusterId()))
	for line := range strings.SplitSeq(strings.TrimSpace(in.GetAllowedSigners()), "\n") {
		fmt.Fprintf(&b, "  %s\n", view.Plain(line))
	}
	fmt.Fprintf(&b, "  %d sign an ordinary command, %d a break-glass one, %d a thaw\n", max(1, in.GetOrdinary()), max(1, in.GetBreakGlass()), max(1, in.GetThaw()))
	if r.GetReason() != "" {
		fmt.Fprintf(&b, "  Reason: %s\n", view.Plain(r.GetReason()))
	}
	var signed []string
	for _, s := range r.GetSignatures() {
		signed = append(signed, fmt.Sprint(s.GetNode()))
	}
	slices.Sort(signed)
	if len(signed) > 0 {
		fmt.Fprintf(&b, "  Signed on the nodes %s so far; begun at %s\n", strings.Join(signed, ", "), rules.Stamp(r.GetIssuedAt().AsTime()))
	}
	return b.String()
}

func newRecoverFinishCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "finish RECOVERY",
		Short:   "Order a recovery that more than half of the seeds have signed",
		Example: "  meshos mesh recover finish meshosrecovery1.…",
		Args:    cobra.ExactArgs(1),
	}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := meshlog.ParseRecovery(args[0])
		if err != nil {
			return &usageError{err: err, help: cmd.CommandPath() + " --help"}
		}
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		before, err := node.snapshot(cmd.Context())
		if err != nil {
			return err
		}
		waiting, cancel := context.WithTimeout(cmd.Context(), max(node.timeout, orderWithin))
		defer cancel()
		record, err := node.Commit(waiting, &hostv1.CommitRequest{Recovery: r})
		if err != nil {
			return node.explain(err)
		}
		node.answered = true
		return a.showVerdict(record, nil, before, *output, false)
	}
	return cmd
}

func newRecoverAcknowledgeCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "acknowledge",
		Short:   "End the alarm that a recovery raised",
		Long:    `Orders, as one of the operators of now, that the alarm of the last recovery ends on all nodes.`,
		Example: "  meshos mesh recover acknowledge",
		Args:    cobra.NoArgs,
	}
	f := addCommandFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			if s.GetMesh().GetRecovered() == nil {
				return nil, errors.New("there was no recovery")
			}
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_AcknowledgeRecovery{AcknowledgeRecovery: &meshosv1.AcknowledgeRecovery{}}}, nil
		})
	}
	return cmd
}
