package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/sign"
	"github.com/meshos/meshos/cmd/meshos/internal/view"
)

func newSignCommand(a *app, breakGlass bool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sign FILE",
		Short: "Sign a command that an operator proposed",
		Long: `Shows all that a proposal contains, asks for confirmation, and writes a signature to a
file beside it. ` + "`ssh-keygen -Y sign -n " + sign.Namespace + " -f KEY FILE`" + ` makes a signature, too,
but does not show what is signed.`,
		Example: "  meshos " + group(breakGlass) + " sign night.cmd",
		Args:    cobra.ExactArgs(1),
	}
	f := &signFlags{}
	f.keyFlags.add(cmd)
	f.confirmFlags.add(cmd, breakGlass)
	f.keys.Required = true
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.signProposal(cmd, f, args[0]) }
	return cmd
}

type signFlags struct {
	keyFlags
	confirmFlags
}

// group returns the name of the command that has these subcommands.
func group(breakGlass bool) string { return sign.Command{BreakGlass: breakGlass}.Group() }

func (a *app) signProposal(cmd *cobra.Command, f *signFlags, path string) error {
	ctx := cmd.Context()
	if err := f.check(); err != nil {
		return &usageError{err: err, help: cmd.CommandPath() + " --help"}
	}
	target, err := sign.ReadTarget(a.configPath(), f.cluster)
	if err != nil {
		return err
	}
	a.learnIfThere(ctx, &target)
	p, signatures, err := a.openProposal(path, &f.confirmFlags, target)
	if err != nil {
		return err
	}
	if !f.yes && !f.dryRun && a.prompter() == nil {
		return sign.NobodyToAsk(p.Command)
	}
	if p.BreakGlass {
		a.simulateAgain(ctx, p, target)
	}
	if left := p.Left(a.now(), target); left < 0 {
		return fmt.Errorf("%s expired %s ago; propose the command again", path, view.Seconds(-left))
	}
	if target.Cluster != "" && target.Cluster != p.Admin.GetClusterId() {
		return fmt.Errorf("%s is for cluster %s; if you mean that cluster, name it with --cluster", path, view.Plain(p.Admin.GetClusterId()))
	}
	if f.dryRun {
		return a.nothingDone(&f.confirmFlags, p, signatures, "signed")
	}
	signer := a.signer()
	choice, err := signer.Choose(ctx, f.keys, target)
	if err != nil {
		return err
	}
	defer choice.Close()
	a.sayKeys(choice)
	if !f.yes {
		if err := sign.Confirm(ctx, a.prompter(), p.Command, "Sign"); err != nil {
			return err
		}
	}
	for _, key := range choice.Keys {
		raw, err := signer.Sign(ctx, key, p.Payload)
		if err != nil {
			return err
		}
		file, err := p.AddSignature(key, raw)
		if err != nil {
			return err
		}
		if *f.output == outputJSON {
			continue
		}
		if _, err := fmt.Fprintf(a.out, "Signed with %s in %s. The proposal is valid for another %s.\n",
			key.Name(), file, view.Seconds(p.Left(a.now(), target))); err != nil {
			return err
		}
	}
	if *f.output == outputTable {
		return nil
	}
	if signatures, err = p.Signatures(); err != nil {
		return err
	}
	return view.JSON(a.out, p.Commit(signatures), false)
}

// openProposal reads a proposal and shows it on standard error.
func (a *app) openProposal(path string, f *confirmFlags, target sign.Target) (*sign.Proposal, []sign.Signature, error) {
	p, err := sign.ReadProposal(path)
	if err != nil {
		return nil, nil, err
	}
	if p.BreakGlass != f.breakGlass {
		return nil, nil, &usageError{err: fmt.Errorf("%s: %s belongs to meshos %s", path, p.Kind, p.Group())}
	}
	signatures, err := p.Signatures()
	if err != nil {
		return nil, nil, err
	}
	_, _ = io.WriteString(a.err, p.Text(a.printer(a.err), signatures, target, a.now()))
	return p, signatures, f.expects(p.Admin.GetBlastHash())
}

// nothingDone ends a --dry-run. As JSON it prints the command with its signatures so far.
func (a *app) nothingDone(f *confirmFlags, p *sign.Proposal, signatures []sign.Signature, what string) error {
	if *f.output == outputJSON {
		return view.JSON(a.out, p.Commit(signatures), false)
	}
	_, err := fmt.Fprintf(a.out, "Nothing was %s.\n", what)
	return err
}

// simulateAgain shows whether the proposal would still do what its simulation shows. This
// only helps the signer: a proposal can also be signed where no node answers.
func (a *app) simulateAgain(ctx context.Context, p *sign.Proposal, target sign.Target) {
	printer := a.printer(a.err)
	node, err := a.connect()
	if err == nil {
		defer node.close()
		var now simulation
		if now, err = node.simulate(ctx, p.Event); err == nil {
			if now.cooldown != nil {
				defer func() {
					_, _ = fmt.Fprintln(a.err, "  "+printer.Color.Apply(view.Bad, a.tooSoon(printer, now.cooldown, target)))
				}()
			}
			if bytes.Equal(now.hash, p.Admin.GetBlastHash()) {
				_, _ = fmt.Fprint(a.err, "Simulated again: "+printer.Color.Apply(view.Good, "the result is the same.")+"\n"+printer.Elsewhere(now.answer))
				return
			}
			_, _ = fmt.Fprintf(a.err, "Simulated again: %s\n%s%s",
				printer.Color.Apply(view.Bad, "the result differs now."), printer.BlastRadius(now.blast, now.hash), printer.Elsewhere(now.answer))
			return
		}
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	a.note("the command was not simulated again: " + first)
}
