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
		Short: "Send a proposal with its signatures",
		Long: `Shows all that a proposal contains, with its signatures, asks for confirmation, and
sends it to the node. The signatures are in the files beside the proposal whose names
begin with FILE.sig.`,
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
		return fmt.Errorf("%s expired %s ago; propose the command again", path, view.Seconds(-left))
	}
	if !f.yes && !f.dryRun && a.prompter() == nil {
		return sign.NobodyToAsk(p.Command)
	}
	if len(signatures) == 0 {
		return fmt.Errorf("%s: nobody has signed it yet: there is no %s.sig", path, path)
	}
	if required := target.Required(p.Command); required > len(signatures) {
		a.note(fmt.Sprintf("this node requires the signatures of %[2]d operators for %[1]s, and the proposal has %[3]d", p.Kind, required, len(signatures)))
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
