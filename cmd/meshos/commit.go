package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/sign"
	"github.com/meshos/meshos/cmd/meshos/internal/view"
)

func newCommitCommand(a *app, breakGlass bool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "commit FILE",
		Short: "Send a proposal with the signatures beside it",
		Long: `Collects the signatures beside a proposal (FILE.sig and whatever else begins like
that), shows everything, asks, and has the node judge it.`,
		Example: "  meshos " + group(breakGlass) + " commit night.cmd",
		Args:    cobra.ExactArgs(1),
	}
	f := &confirmFlags{}
	f.add(cmd, breakGlass)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.commitProposal(cmd, f, args[0]) }
	return cmd
}

func (a *app) commitProposal(cmd *cobra.Command, f *confirmFlags, path string) error {
	ctx := cmd.Context()
	if err := f.check(); err != nil {
		return &usageError{err: err, help: cmd.CommandPath() + " --help"}
	}
	target, err := sign.ReadTarget(a.configPath(), "")
	if err != nil {
		return err
	}
	p, signatures, err := a.openProposal(path, f, target)
	if err != nil {
		return err
	}
	if left := p.Left(a.now(), target); left < 0 {
		return fmt.Errorf("%s expired %s ago; propose it again", path, view.Seconds(-left))
	}
	if !f.yes && !f.dryRun && a.prompter() == nil {
		return sign.NobodyToAsk(p.Command)
	}
	if len(signatures) == 0 {
		return fmt.Errorf("%s: nobody signed it yet: there is no %s.sig", path, path)
	}
	if required := target.Required(p.Command); required > len(signatures) {
		a.note(fmt.Sprintf("%s needs the signatures of %d operators here, and has %d", p.Kind, required, len(signatures)))
	}
	if f.dryRun {
		return a.nothingDone(f, p, signatures, "sent")
	}
	node, err := a.connect()
	if err != nil {
		return err
	}
	defer node.close()
	if !f.yes {
		if err := sign.Confirm(ctx, a.prompter(), p.Command, "Send"); err != nil {
			return err
		}
	}
	record, err := node.commit(ctx, p.Commit(signatures))
	return a.showVerdict(record, err, *f.output, false)
}
