package main

import (
	"fmt"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/spf13/cobra"
)

func newCommitCommand(a *app, ice bool) *cobra.Command {
	group := map[bool]string{true: "ice", false: "admin"}[ice]
	cmd := &cobra.Command{
		Use:   "commit FILE",
		Short: "Send a proposal with the signatures beside it",
		Long: `Collects the signatures beside a proposal (FILE.sig and whatever else begins like
that), shows everything, asks, and has the node judge it.`,
		Example: "  meshos " + group + " commit night.cmd",
		Args:    cobra.ExactArgs(1),
	}
	f := &signFlags{}
	f.addAsking(cmd, ice)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.commitProposal(cmd, *f, args[0]) }
	return cmd
}

func (a *app) commitProposal(cmd *cobra.Command, f signFlags, path string) error {
	ctx := cmd.Context()
	if err := f.check(); err != nil {
		return &usageError{err: err, help: cmd.CommandPath() + " --help"}
	}
	where, err := a.placeOf("")
	if err != nil {
		return err
	}
	p, held, err := a.openProposal(path, f, where, a.err)
	if err != nil {
		return err
	}
	if left := p.left(a.now(), where.freshness); left < 0 {
		return fmt.Errorf("%s expired %s ago; propose it again", path, view.Seconds(-left))
	}
	if !f.yes && !f.dryRun && a.prompts() == nil {
		return errNobodyToAsk(p.order)
	}
	if len(held) == 0 {
		return fmt.Errorf("%s: nobody signed it yet: there is no %s.sig", path, path)
	}
	if need := where.need(p.order); need > len(held) {
		a.note(fmt.Sprintf("%s needs the signatures of %d operators here, and has %d", p.kind, need, len(held)))
	}
	if f.dryRun {
		return a.nothingDone(f, p, held, "sent")
	}
	node, err := a.connect()
	if err != nil {
		return err
	}
	defer node.close()
	if !f.yes {
		if err := a.confirm(ctx, p.order, "Send"); err != nil {
			return err
		}
	}
	record, err := node.commit(ctx, p.signed(held))
	return a.showVerdict(record, err, *f.output, false)
}
