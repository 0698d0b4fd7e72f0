package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/cmd/meshos/internal/sign"
	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/internal/readfile"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

func newOperatorsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "operators", Short: "Show who may command a node"}
	cmd.AddCommand(newOperatorsListCommand(a))
	return cmd
}

func newOperatorsListCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show whose keys count on a node, from when until when, and what they may do",
		Long: `Shows who may command the running node: the keys that it has in force, from when until
when each of them counts, and how many operators have to sign which commands. The file of
signers may have changed since the node read it; what ` + "`meshos reload`" + ` would take over is
listed then. With -o json the output is a ListOperatorsResponse.`,
		Example: "  meshos operators list\n  meshos operators list -o json | jq -r '.keys[].fingerprint'",
		Args:    cobra.NoArgs,
	}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		list, err := node.operators(cmd.Context(), true)
		if err != nil {
			return node.explain(err)
		}
		if *output == outputJSON {
			return view.JSON(a.out, list, false)
		}
		_, err = io.WriteString(a.out, a.printer(a.out).Operators(list, a.now()))
		return err
	}
	return cmd
}

// operators asks who may command the node. With compare the node reads the file of signers,
// too, which may hang.
func (n *nodeClient) operators(ctx context.Context, compare bool) (*hostv1.ListOperatorsResponse, error) {
	within := n.timeout
	if compare {
		within += readfile.Within
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	list, err := n.ListOperators(ctx, &hostv1.ListOperatorsRequest{Compare: compare})
	if err == nil {
		n.answered = true
	}
	return list, err
}

// learn has the target take over what the running node says of its operators. An older node
// does not say it; then the file of signers has to do.
func (a *app) learn(ctx context.Context, node *nodeClient, target *sign.Target) error {
	list, err := node.operators(ctx, false)
	switch {
	case err == nil:
		target.Learn(list)
		if why := view.ClockProblem(list, a.now()); why != "" {
			a.note(why)
		}
	case status.Code(err) != codes.Unimplemented:
		return node.explain(err)
	}
	return nil
}

// learnIfThere is learn where no node has to answer, and none is waited for long.
func (a *app) learnIfThere(ctx context.Context, target *sign.Target) {
	node, err := a.connect()
	if err != nil {
		return
	}
	defer node.close()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = a.learn(ctx, node, target)
}
