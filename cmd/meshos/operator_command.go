package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/sign"
	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// carryOut runs a command of an operator, from its flags to the node's verdict. build makes
// the event; the snapshot is that of the node that the command is sent to.
func (a *app) carryOut(cmd *cobra.Command, f *commandFlags, build func(*meshosv1.Snapshot) (*meshosv1.AdminEvent, error)) error {
	ctx := cmd.Context()
	wrong := func(err error) error { return &usageError{err: err, help: cmd.CommandPath() + " --help"} }
	if err := f.check(); err != nil {
		return wrong(err)
	}
	node, err := a.connect()
	if err != nil {
		return err
	}
	defer node.close()
	target, err := sign.ReadTarget(a.configPath(), f.cluster)
	if err != nil {
		return err
	}
	snapshot, err := node.snapshot(ctx)
	if err != nil {
		return err
	}
	if err := a.learn(ctx, node, &target); err != nil {
		return err
	}
	event, err := build(snapshot)
	if err != nil {
		return wrong(err)
	}
	command, err := sign.NewCommand(event)
	if err != nil {
		return wrong(err)
	}
	command.Reason = f.reason
	if f.here {
		command.OnlyOn = snapshot.GetNode()
	}
	if f.monitor && drainedNode(event) != snapshot.GetNode() && snapshot.GetMesh().GetHeight() == 0 {
		return wrong(fmt.Errorf("--monitor: the command would be sent to node %d, which can only show its own drain; send it to node %d", snapshot.GetNode(), drainedNode(event)))
	}
	if !f.yes && !f.dryRun && f.propose == "" && a.prompter() == nil {
		return sign.NobodyToAsk(command)
	}
	var sim simulation
	if command.BreakGlass {
		if sim, err = node.simulate(ctx, event); err != nil {
			return err
		}
	}
	a.preview(f, command, snapshot, sim, target)
	if err := f.expects(sim.hash); err != nil {
		return err
	}
	switch {
	case f.dryRun:
		return a.dryRun(ctx, f, command, sim, target)
	case f.propose != "":
		return a.propose(f, command, sim, target)
	}
	return a.send(ctx, node, f, command, sim, target, snapshot)
}

// preview shows what a command will do: on standard output as the result of --dry-run, and
// else on standard error above the question.
func (a *app) preview(f *commandFlags, command sign.Command, s *meshosv1.Snapshot, sim simulation, target sign.Target) {
	w := a.err
	if f.dryRun && *f.output == outputTable {
		w = a.out
	}
	p := a.printer(w)
	text := p.Command(command.Event, s)
	if why := view.NoOp(command.Event, s); why != "" {
		text += "  " + p.Color.Apply(view.Warning, "Nothing would change: "+why+".") + "\n"
	}
	if command.Reason != "" {
		text += "  Reason: " + view.Plain(command.Reason) + "\n"
	}
	if command.BreakGlass {
		text += p.BlastRadius(sim.blast, sim.hash) + p.Elsewhere(sim.answer)
	}
	if sim.cooldown != nil {
		text += "  " + p.Color.Apply(view.Bad, a.tooSoon(p, sim.cooldown, target)) + "\n"
	}
	if target.Unreadable != "" {
		text += "  " + p.Color.Apply(view.Bad, "The node will reject it: it could not read its file of signers: "+view.Plain(target.Unreadable)) + "\n"
	}
	if need, have := target.Required(command), max(1, f.keys.Count()); need > have && !f.unsigned && f.propose == "" {
		text += "  " + p.Color.Apply(view.Warning, fmt.Sprintf(
			"This node requires the signatures of %[2]d operators for %[1]s: use --propose.", command.Kind, need)) + "\n"
	}
	_, _ = io.WriteString(w, text)
}

// tooSoon says that a command would be rejected now, and what to do about it.
func (a *app) tooSoon(p view.Printer, c *hostv1.Cooldown, target sign.Target) string {
	words := "The node would reject it now: " + p.Cooldown(c, a.now()) + "."
	if c.GetLeft().AsDuration() > target.Freshness {
		return words + " A proposal would expire before that: propose it later."
	}
	return words + " Send it after that."
}

// dryRun ends a --dry-run: it shows how the command would be sent.
func (a *app) dryRun(ctx context.Context, f *commandFlags, command sign.Command, sim simulation, target sign.Target) error {
	if *f.output == outputJSON {
		if command.BreakGlass {
			return view.JSON(a.out, sim.answer, false)
		}
		return view.JSON(a.out, command.Event, false)
	}
	how := "It would be sent without a signature."
	switch {
	case f.propose != "":
		how = "It would be written to " + f.propose + "."
	case !f.unsigned:
		choice, err := a.signer().Choose(ctx, f.keys, target)
		if err != nil {
			how = "It can't be signed: " + err.Error() + "."
			break
		}
		defer choice.Close()
		if len(choice.Keys) == 0 {
			how = view.Sentence(choice.Unsigned) + "."
			break
		}
		how = "It would be signed with" + sign.Names(choice.Keys)
		if len(choice.Passed) > 0 {
			how += "\n  and not with" + sign.PassedOver(choice.Passed)
		}
		if len(choice.Doubtful) > 0 {
			how += "\n  The node will reject that:" + sign.PassedOver(choice.Doubtful)
		}
		if target.Cluster != "" {
			how += "\n  for cluster " + view.Plain(target.Cluster) + "."
		}
	}
	_, err := fmt.Fprintf(a.out, "  %s\nNothing was sent.\n", how)
	return err
}

// send asks for confirmation, signs and sends a command, shows the verdict, and with
// --monitor the drain that it started.
func (a *app) send(
	ctx context.Context, node *nodeClient, f *commandFlags, command sign.Command, sim simulation, target sign.Target, before *meshosv1.Snapshot,
) error {
	signer := a.signer()
	keys, closeKeys, err := a.signingKeys(ctx, signer, f, target)
	if err != nil {
		return err
	}
	defer closeKeys()
	if !f.yes {
		if err := sign.Confirm(ctx, a.prompter(), command, "Send"); err != nil {
			return err
		}
	}
	if now, err := node.snapshot(ctx); err == nil { // the question may have waited for long
		before = now
	}
	record, err := a.transmit(ctx, node, signer, keys, command, sim.hash, target.Cluster)
	if err := a.showVerdict(record, err, before, *f.output, f.monitor); err != nil {
		return err
	}
	if f.then != nil {
		return f.then(ctx, node, record)
	}
	if f.monitor {
		return a.monitor(ctx, node, command, record, before.GetEpoch(), *f.output)
	}
	return nil
}

// transmit sends a command that was confirmed, signed with all keys if there are any, and
// returns the node's record of it.
func (a *app) transmit(
	ctx context.Context, node *nodeClient, signer *sign.Signer, keys []sign.Key, command sign.Command, hash []byte, cluster string,
) (*meshosv1.AdminAuditRecord, error) {
	if len(keys) == 0 && command.OnlyOn == 0 {
		return node.sendUnsigned(ctx, command)
	}
	commit, err := a.signCommand(ctx, signer, keys, command, hash, cluster)
	if err != nil {
		return nil, err
	}
	return node.commit(ctx, commit)
}

// signCommand encodes a command that was confirmed, and signs it with all keys.
func (a *app) signCommand(
	ctx context.Context, signer *sign.Signer, keys []sign.Key, command sign.Command, hash []byte, cluster string,
) (*meshosv1.SignedCommit, error) {
	payload, err := command.Encode(cluster, hash, a.now())
	if err != nil {
		return nil, err
	}
	commit := &meshosv1.SignedCommit{Payload: payload}
	for _, key := range keys {
		signature, err := signer.Sign(ctx, key, payload)
		if err != nil {
			return nil, err
		}
		commit.Signatures = append(commit.Signatures, signature)
	}
	return commit, nil
}

// signingKeys finds the keys that sign what is sent, and says what an operator should know of
// them. closeKeys is called once everything is signed.
func (a *app) signingKeys(ctx context.Context, signer *sign.Signer, f *commandFlags, target sign.Target) (keys []sign.Key, closeKeys func(), err error) {
	if f.unsigned {
		a.note("the command is sent without a signature, because of --unsigned")
		return nil, func() {}, nil
	}
	choice, err := signer.Choose(ctx, f.keys, target)
	if err != nil {
		return nil, nil, err
	}
	if len(choice.Keys) == 0 {
		a.note(choice.Unsigned)
	} else if target.Cluster == "" {
		choice.Close()
		return nil, nil, errNoCluster()
	}
	a.sayKeys(choice)
	return choice.Keys, choice.Close, nil
}

// sayKeys says which key signs where others were passed over, and which will be of no use.
func (a *app) sayKeys(choice *sign.Choice) {
	if words := choice.Say(); words != "" {
		a.note(words)
	}
	if len(choice.Doubtful) > 0 {
		a.note("the node will reject the signature of" + sign.PassedOver(choice.Doubtful))
	}
}

func errNoCluster() error {
	return &usageError{err: errors.New("there is no configuration that names the cluster; name it with --cluster")}
}

// note writes a remark to standard error.
func (a *app) note(text string) {
	_, _ = fmt.Fprintf(a.err, "%s %s\n", a.color(a.err).Apply(view.Warning, "note:"), text)
}
