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

// carryOut takes a command from its flags to the node's verdict.
func (a *app) carryOut(cmd *cobra.Command, f *commandFlags, build func(*meshosv1.Snapshot) (*meshosv1.AdminEvent, error)) error {
	ctx := cmd.Context()
	wrong := func(err error) error { return &usageError{err: err, help: cmd.CommandPath() + " --help"} }
	if err := f.check(); err != nil {
		return wrong(err)
	}
	if given := cmd.Flags().Lookup("node"); given != nil && given.Changed && given.Value.String() == "0" {
		return wrong(errors.New("--node: ids are whole numbers from 1; leave it out for the node that is asked"))
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
	event, err := build(snapshot)
	if err != nil {
		return wrong(err)
	}
	command, err := sign.NewCommand(event)
	if err != nil {
		return wrong(err)
	}
	if f.monitor && drainedNode(event) != snapshot.GetNode() {
		return wrong(fmt.Errorf("--monitor: node %d is asked, and it sees its own drain only; ask node %d itself", snapshot.GetNode(), drainedNode(event)))
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

// preview shows what a command will do. With --dry-run that is the result, and
// else what stands above the question.
func (a *app) preview(f *commandFlags, command sign.Command, s *meshosv1.Snapshot, sim simulation, target sign.Target) {
	w := a.err
	if f.dryRun && *f.output == outputTable {
		w = a.out
	}
	p := a.printer(w)
	text := p.Command(command.Event, s)
	if command.BreakGlass {
		text += p.BlastRadius(sim.blast, sim.hash)
	}
	if need, have := target.Required(command), max(1, f.keys.Count()); need > have && !f.unsigned && f.propose == "" {
		text += "  " + p.Color.Apply(view.Warning, fmt.Sprintf(
			"%s needs the signatures of %d operators here: see --propose", command.Kind, need)) + "\n"
	}
	_, _ = io.WriteString(w, text)
}

// dryRun says what would be sent.
func (a *app) dryRun(ctx context.Context, f *commandFlags, command sign.Command, sim simulation, target sign.Target) error {
	if *f.output == outputJSON {
		if command.BreakGlass {
			return view.JSON(a.out, &hostv1.SimulateResponse{BlastRadius: sim.blast, BlastHash: sim.hash}, false)
		}
		return view.JSON(a.out, command.Event, false)
	}
	how := "It would be sent unsigned."
	switch {
	case f.propose != "":
		how = "It would be written to " + f.propose + "."
	case !f.unsigned:
		choice, err := a.signer().Choose(ctx, f.keys, target)
		if err != nil {
			how = "It can't be signed yet: " + err.Error() + "."
			break
		}
		defer choice.Close()
		if len(choice.Keys) == 0 {
			how = view.Sentence(choice.Unsigned) + "."
			break
		}
		how = "It would be signed with" + sign.Names(choice.Keys)
		if target.Cluster != "" {
			how += "\n  for cluster " + view.Plain(target.Cluster) + "."
		}
	}
	_, err := fmt.Fprintf(a.out, "  %s\nNothing was sent.\n", how)
	return err
}

// send asks, signs and commits, shows the verdict, and watches what comes of it.
func (a *app) send(
	ctx context.Context, node *nodeClient, f *commandFlags, command sign.Command, sim simulation, target sign.Target, before *meshosv1.Snapshot,
) error {
	signer := a.signer()
	var keys []sign.Key
	if f.unsigned {
		a.note("it goes unsigned, as --unsigned says")
	} else {
		choice, err := signer.Choose(ctx, f.keys, target)
		if err != nil {
			return err
		}
		defer choice.Close()
		keys = choice.Keys
		if len(keys) == 0 {
			a.note(choice.Unsigned)
		} else if target.Cluster == "" {
			return errNoCluster()
		}
	}
	if !f.yes {
		if err := sign.Confirm(ctx, a.prompter(), command, "Send"); err != nil {
			return err
		}
	}
	var record *meshosv1.AdminAuditRecord
	var err error
	if len(keys) == 0 {
		record, err = node.sendUnsigned(ctx, command)
	} else {
		var commit *meshosv1.SignedCommit
		if commit, err = a.signCommand(ctx, signer, keys, command, sim.hash, target.Cluster); err == nil {
			record, err = node.commit(ctx, commit)
		}
	}
	if err := a.showVerdict(record, err, *f.output, f.monitor); err != nil {
		return err
	}
	if f.monitor {
		return a.monitor(ctx, node, command, record, before.GetEpoch(), *f.output)
	}
	return nil
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

func errNoCluster() error {
	return &usageError{err: errors.New("which cluster is the command for? There is no configuration that says so; name it with --cluster")}
}

// note tells something beside the answer.
func (a *app) note(text string) {
	_, _ = fmt.Fprintf(a.err, "%s %s\n", a.color(a.err).Apply(view.Warning, "note:"), text)
}
