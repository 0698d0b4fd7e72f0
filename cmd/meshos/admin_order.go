package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const kindThaw = "thaw_cluster"

// order is one command of an operator.
type order struct {
	event *meshosv1.AdminEvent
	kind  string // "freeze_cluster"
	ice   bool
}

// newOrder checks a command as the node will.
func newOrder(event *meshosv1.AdminEvent) (order, error) {
	checked, err := wire.AdminFromProto(event)
	if err != nil {
		return order{}, err
	}
	return order{event: event, kind: checked.Kind(), ice: checked.BreakGlass()}, nil
}

// orderFlags are what commands of operators share.
type orderFlags struct {
	signFlags

	ice      bool
	unsigned bool
	monitor  bool
	propose  string
}

func addOrderFlags(cmd *cobra.Command, ice bool) *orderFlags {
	f := &orderFlags{ice: ice}
	f.add(cmd, ice)
	cmd.Flags().BoolVar(&f.unsigned, "unsigned", false, "send it unsigned, for a node without operators")
	cmd.Flags().StringVar(&f.propose, "propose", "", "write it to this file for others to sign, and send nothing")
	cmd.MarkFlagsMutuallyExclusive("unsigned", "propose")
	cmd.MarkFlagsMutuallyExclusive("unsigned", "key")
	cmd.MarkFlagsMutuallyExclusive("unsigned", "key-file")
	return f
}

func addMonitor(cmd *cobra.Command, f *orderFlags) {
	cmd.Flags().BoolVar(&f.monitor, "monitor", false, "show what is left until it is done")
	cmd.MarkFlagsMutuallyExclusive("monitor", "dry-run")
	cmd.MarkFlagsMutuallyExclusive("monitor", "propose")
}

// simulation is what the node says a break-glass command would do.
type simulation struct {
	blast *meshosv1.BlastRadius
	hash  []byte
}

// simulate asks the node, and sees to it that what is shown is what the hash
// stands for.
func (n *nodeClient) simulate(ctx context.Context, event *meshosv1.AdminEvent) (simulation, error) {
	ctx, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	answer, err := n.Simulate(ctx, &hostv1.SimulateRequest{Event: event})
	if err != nil {
		return simulation{}, n.explain(err)
	}
	n.answered = true
	out := simulation{blast: answer.GetBlastRadius(), hash: answer.GetBlastHash()}
	if !bytes.Equal(hashOf(out.blast), out.hash) {
		return simulation{}, errors.New("the hash that the node gives does not fit the blast radius that it shows; don't sign it\n" +
			"    another version of meshos may run there: compare meshos version")
	}
	return out, nil
}

// hashOf is what a signed break-glass command says of its simulation.
func hashOf(b *meshosv1.BlastRadius) []byte {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(b)
	if err != nil {
		return nil
	}
	sum := sha256.Sum256(raw)
	return sum[:]
}

// carryOut takes a command from its flags to the node's verdict.
func (a *app) carryOut(cmd *cobra.Command, f *orderFlags, build func(*meshosv1.Snapshot) (*meshosv1.AdminEvent, error)) error {
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
	where, err := a.placeOf(f.cluster)
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
	o, err := newOrder(event)
	if err != nil {
		return wrong(err)
	}
	if f.monitor && drainedNode(event) != snapshot.GetNode() {
		return wrong(fmt.Errorf("--monitor: node %d is asked, and it sees its own drain only; ask node %d itself", snapshot.GetNode(), drainedNode(event)))
	}
	if !f.yes && !f.dryRun && f.propose == "" && a.prompts() == nil {
		return errNobodyToAsk(o)
	}
	var sim simulation
	if o.ice {
		if sim, err = node.simulate(ctx, event); err != nil {
			return err
		}
	}
	a.preview(f, o, snapshot, sim, where)
	if err := f.expects(sim.hash); err != nil {
		return err
	}
	switch {
	case f.dryRun:
		return a.dryRun(ctx, f, o, sim, where)
	case f.propose != "":
		return a.propose(f, o, sim, where)
	}
	return a.send(ctx, node, f, o, sim, where, snapshot)
}

// preview shows what a command will do. With --dry-run that is the result, and
// else what stands above the question.
func (a *app) preview(f *orderFlags, o order, s *meshosv1.Snapshot, sim simulation, where place) {
	w := a.err
	if f.dryRun && *f.output == outputTable {
		w = a.out
	}
	p := a.printer(w)
	text := p.Command(o.event, s)
	if o.ice {
		text += p.BlastRadius(sim.blast, sim.hash)
	}
	if need, have := where.need(o), max(1, f.count()); need > have && !f.unsigned && f.propose == "" {
		text += "  " + p.Color.Apply(view.Warning, fmt.Sprintf(
			"%s needs the signatures of %d operators here: see --propose", o.kind, need)) + "\n"
	}
	_, _ = io.WriteString(w, text)
}

// dryRun says what would be sent.
func (a *app) dryRun(ctx context.Context, f *orderFlags, o order, sim simulation, where place) error {
	if *f.output == outputJSON {
		if o.ice {
			return view.JSON(a.out, &hostv1.SimulateResponse{BlastRadius: sim.blast, BlastHash: sim.hash}, false)
		}
		return view.JSON(a.out, o.event, false)
	}
	how := "It would be sent unsigned."
	switch {
	case f.propose != "":
		how = "It would be written to " + f.propose + "."
	case !f.unsigned:
		ring, keys, notice, err := a.chooseKeys(ctx, f.signFlags, where)
		if err != nil {
			how = "It can't be signed yet: " + err.Error() + "."
			break
		}
		defer ring.close()
		if len(keys) == 0 {
			how = view.Sentence(notice) + "."
			break
		}
		how = "It would be signed with" + namesOf(keys)
		if where.cluster != "" {
			how += "\n  for cluster " + view.Plain(where.cluster) + "."
		}
	}
	_, err := fmt.Fprintf(a.out, "  %s\nNothing was sent.\n", how)
	return err
}

// send asks, signs and commits, shows the verdict, and watches what comes of it.
func (a *app) send(
	ctx context.Context, node *nodeClient, f *orderFlags, o order, sim simulation, where place, before *meshosv1.Snapshot,
) error {
	var keys []signer
	if f.unsigned {
		a.note("it goes unsigned, as --unsigned says")
	} else {
		ring, chosen, notice, err := a.chooseKeys(ctx, f.signFlags, where)
		if err != nil {
			return err
		}
		defer ring.close()
		keys = chosen
		if len(keys) == 0 {
			a.note(notice)
		} else if where.cluster == "" {
			return errNoCluster()
		}
	}
	if !f.yes {
		if err := a.confirm(ctx, o, "Send"); err != nil {
			return err
		}
	}
	var record *meshosv1.AdminAuditRecord
	var err error
	if len(keys) == 0 {
		record, err = node.sendUnsigned(ctx, o)
	} else {
		var commit *meshosv1.SignedCommit
		if commit, err = a.signOrder(ctx, o, sim.hash, where.cluster, keys); err == nil {
			record, err = node.commit(ctx, commit)
		}
	}
	if err := a.showVerdict(record, err, *f.output, f.monitor); err != nil {
		return err
	}
	if f.monitor {
		return a.monitor(ctx, node, o, record, before.GetEpoch(), *f.output)
	}
	return nil
}

func errNoCluster() error {
	return &usageError{err: errors.New("which cluster is the command for? There is no configuration that says so; name it with --cluster")}
}

// note tells something beside the answer.
func (a *app) note(text string) {
	_, _ = fmt.Fprintf(a.err, "%s %s\n", a.color(a.err).Apply(view.Warning, "note:"), text)
}
