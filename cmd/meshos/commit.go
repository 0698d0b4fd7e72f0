package main

import (
	"fmt"
	"strings"

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
	a.learnIfThere(ctx, &target)
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
	a.sayMissing(p, signatures, target)
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
	before, err := node.snapshot(ctx)
	if err != nil {
		return err
	}
	record, err := node.commit(ctx, p.Commit(signatures))
	return a.showVerdict(record, err, before, *f.output, false)
}

// sayMissing says whose signatures the node will ask for beside those of a proposal, and which
// of these it will reject.
func (a *app) sayMissing(p *sign.Proposal, signatures []sign.Signature, target sign.Target) {
	have, of := len(signatures), ""
	names, doubtful, known := sign.Counting(signatures, target, a.now())
	if known {
		have = len(names)
		if have > 0 {
			of = " (" + view.Plain(strings.Join(names, ", ")) + ")"
		}
	}
	for _, why := range doubtful {
		a.note("the node will reject the command for a signature: the key " + view.Plain(why))
	}
	if required := target.Required(p.Command); required > have {
		a.note(fmt.Sprintf("this node requires the signatures of %d different operators for %s, and the proposal has those of %d%s", required, p.Kind, have, of))
	}
}
