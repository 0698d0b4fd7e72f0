package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/operator/signers"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// propose writes a command to a file instead of sending it.
func (a *app) propose(f *orderFlags, o order, sim simulation, where place) error {
	if where.cluster == "" {
		return errNoCluster()
	}
	payload, err := payloadOf(o, sim.hash, where.cluster, a.now())
	if err != nil {
		return err
	}
	if err := writeProposal(f.propose, payload, sim.blast); err != nil {
		return err
	}
	if *f.output == outputJSON {
		return view.JSON(a.out, &meshosv1.SignedCommit{Payload: payload}, false)
	}
	group := "admin"
	if o.ice {
		group = "ice"
	}
	_, err = fmt.Fprintf(a.out, `Proposed in %[1]s. It counts for %[2]s.
  sign it   meshos %[3]s sign %[1]s
       or   ssh-keygen -Y sign -n %[4]s -f KEY %[1]s
  send it   meshos %[3]s commit %[1]s
`, f.propose, view.Seconds(where.freshness), group, signNamespace)
	return err
}

// openProposal reads the proposal that a command names and shows it. w is where to.
func (a *app) openProposal(path string, f signFlags, where place, w io.Writer) (*proposal, []heldSignature, error) {
	p, err := readProposal(path)
	if err != nil {
		return nil, nil, err
	}
	if p.ice != f.ice {
		group := "admin"
		if p.ice {
			group = "ice"
		}
		return nil, nil, &usageError{err: fmt.Errorf("%s: %s is for meshos %s", path, p.kind, group)}
	}
	held, err := p.signatures()
	if err != nil {
		return nil, nil, err
	}
	_, _ = io.WriteString(w, a.proposalWords(p, held, where, a.printer(w)))
	return p, held, f.expects(p.command.GetBlastHash())
}

// proposalWords decodes all that will be signed.
func (a *app) proposalWords(p *proposal, held []heldSignature, where place, printer view.Printer) string {
	var b strings.Builder
	id := sha256.Sum256(p.payload)
	c := printer.Color
	b.WriteString(printer.Command(p.event, nil))
	fmt.Fprintf(&b, "  %-9s %s\n", "action", p.kind)
	cluster := view.Plain(p.command.GetClusterId())
	if where.cluster != "" && where.cluster != p.command.GetClusterId() {
		cluster = c.Apply(view.Bad, cluster+", which is not the one here ("+view.Plain(where.cluster)+")")
	}
	fmt.Fprintf(&b, "  %-9s %s\n", "cluster", cluster)
	fmt.Fprintf(&b, "  %-9s %s\n", "issued", a.ageWords(p, where.freshness, c))
	fmt.Fprintf(&b, "  %-9s %s\n", "nonce", hex.EncodeToString(p.command.GetNonce()))
	fmt.Fprintf(&b, "  %-9s %s\n", "commit", hex.EncodeToString(id[:]))
	if p.ice {
		if p.blast != nil {
			b.WriteString(printer.BlastRadius(p.blast, p.command.GetBlastHash()))
		} else {
			fmt.Fprintf(&b, "  %-9s %s\n", "hash", hex.EncodeToString(p.command.GetBlastHash()))
			b.WriteString("  " + c.Apply(view.Bad, "! "+p.path+".json does not hold the blast radius of this hash") + "\n")
		}
	}
	set := where.operators()
	for _, s := range held {
		fmt.Fprintf(&b, "  %-9s %s\n", "signed by", signatureWords(s, set, a.now()))
	}
	return b.String()
}

// signatureWords names who signed, as far as the file of signers here knows.
func signatureWords(s heldSignature, set *signers.Set, now time.Time) string {
	words := s.key.Fingerprint()
	if set == nil {
		return words
	}
	who, err := set.Find(s.key, signNamespace, now)
	if who.Name != "" {
		words = view.Plain(who.Name) + " with " + words
	}
	if err != nil {
		words += fmt.Sprintf(" (%v)", err)
	}
	return words
}

func (a *app) ageWords(p *proposal, freshness time.Duration, c view.Color) string {
	age := a.now().Sub(p.command.GetIssuedAt().AsTime())
	words := fmt.Sprintf("%s ago", view.Seconds(age))
	if age < 0 {
		words = c.Apply(view.Warning, fmt.Sprintf("%s from now", view.Seconds(-age)))
	}
	left := p.left(a.now(), freshness)
	if left < 0 {
		return words + c.Apply(view.Bad, fmt.Sprintf(", expired %s ago", view.Seconds(-left)))
	}
	return fmt.Sprintf("%s, counts for another %s", words, view.Seconds(left))
}

func newSignCommand(a *app, ice bool) *cobra.Command {
	group := map[bool]string{true: "ice", false: "admin"}[ice]
	cmd := &cobra.Command{
		Use:   "sign FILE",
		Short: "Sign what another operator proposed",
		Long: `Shows everything that a proposal says, asks, and puts a signature beside the file.
` + "`ssh-keygen -Y sign -n " + signNamespace + " -f KEY FILE`" + ` does the same without showing anything.`,
		Example: "  meshos " + group + " sign night.cmd",
		Args:    cobra.ExactArgs(1),
	}
	f := &signFlags{}
	f.add(cmd, ice)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.signProposal(cmd, *f, args[0]) }
	return cmd
}

func (a *app) signProposal(cmd *cobra.Command, f signFlags, path string) error {
	ctx := cmd.Context()
	if err := f.check(); err != nil {
		return &usageError{err: err, help: cmd.CommandPath() + " --help"}
	}
	where, err := a.placeOf(f.cluster)
	if err != nil {
		return err
	}
	p, held, err := a.openProposal(path, f, where, a.err)
	if err != nil {
		return err
	}
	if !f.yes && !f.dryRun && a.prompts() == nil {
		return errNobodyToAsk(p.order)
	}
	if p.ice {
		a.compareWithNow(ctx, p)
	}
	if left := p.left(a.now(), where.freshness); left < 0 {
		return fmt.Errorf("%s expired %s ago; propose it again", path, view.Seconds(-left))
	}
	if where.cluster != "" && where.cluster != p.command.GetClusterId() {
		return fmt.Errorf("%s is for cluster %s; if that is right, say so with --cluster", path, view.Plain(p.command.GetClusterId()))
	}
	if f.dryRun {
		return a.nothingDone(f, p, held, "signed")
	}
	if where.known && where.signers == "" {
		where.known = false // there may be operators where the proposal comes from
	}
	ring, keys, _, err := a.chooseKeys(ctx, f, where)
	if err != nil {
		return err
	}
	defer ring.close()
	if len(keys) == 0 {
		return &usageError{err: fmt.Errorf("there is no key to sign with: %s\n    name one with --key-file", ring.why)}
	}
	if !f.yes {
		if err := a.confirm(ctx, p.order, "Sign"); err != nil {
			return err
		}
	}
	for _, key := range keys {
		raw, err := a.sign(ctx, key, p.payload)
		if err != nil {
			return err
		}
		file, err := p.keep(key.key, raw)
		if err != nil {
			return err
		}
		if *f.output == outputJSON {
			continue
		}
		if _, err := fmt.Fprintf(a.out, "Signed with %s in %s. It counts for another %s.\n",
			key.name(), file, view.Seconds(p.left(a.now(), where.freshness))); err != nil {
			return err
		}
	}
	if *f.output == outputTable {
		return nil
	}
	if held, err = p.signatures(); err != nil {
		return err
	}
	return view.JSON(a.out, p.signed(held), false)
}

// nothingDone ends a --dry-run. As JSON it gives the command as it is by now.
func (a *app) nothingDone(f signFlags, p *proposal, held []heldSignature, what string) error {
	if *f.output == outputJSON {
		return view.JSON(a.out, p.signed(held), false)
	}
	_, err := fmt.Fprintf(a.out, "Nothing was %s.\n", what)
	return err
}

// compareWithNow says whether a simulation made now is the one in the proposal.
func (a *app) compareWithNow(ctx context.Context, p *proposal) {
	printer := a.printer(a.err)
	node, err := a.connect()
	if err == nil {
		defer node.close()
		var now simulation
		if now, err = node.simulate(ctx, p.event); err == nil {
			if bytes.Equal(now.hash, p.command.GetBlastHash()) {
				_, _ = fmt.Fprintln(a.err, "Simulated again: "+printer.Color.Apply(view.Good, "the same."))
				return
			}
			_, _ = fmt.Fprintf(a.err, "Simulated again: %s\n%s", printer.Color.Apply(view.Bad, "it differs now."), printer.BlastRadius(now.blast, now.hash))
			return
		}
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	a.note("not simulated again: " + first)
}
