package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/cmd/meshos/internal/sign"
	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/internal/document"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	drainLookEvery = time.Second      // how often the nodes of a series are asked
	drainSilent    = 30 * time.Second // how long one that is drained may not answer
	drainSayEvery  = 5 * time.Second  // how often at most it is said what is left
)

// nodeDrains drains several nodes, one after the other.
type nodeDrains struct {
	app    *app
	cmd    *cobra.Command
	flags  *commandFlags
	window *durationpb.Duration
	node   *nodeClient // at the socket, which takes the orders
	nodes  []ref
	words  []string // as they were named
	target sign.Target
	series *drainSeries

	signer *sign.Signer
	keys   []sign.Key
	// Of the last order: it was sent, and nobody knows what became of it; it counts.
	sent, ordered bool
	said          time.Time // when it was said last what is left
	last          string    // and what
}

func (a *app) drainNodes(cmd *cobra.Command, f *commandFlags, words []string, oneByOne bool, within, stall time.Duration) error {
	ctx := cmd.Context()
	wrong := func(err error) error { return &usageError{err: err, help: cmd.CommandPath() + " --help"} }
	window, err := windowOf(within)
	if err = errors.Join(f.check(), err); err != nil {
		return wrong(err)
	}
	switch {
	case len(words) == 0:
		return wrong(errors.New("--one-by-one: name the nodes with --nodes a,b,c"))
	case !oneByOne:
		return wrong(fmt.Errorf("--nodes: say that they are to be drained one after the other, with --one-by-one\n"+
			"    several nodes that are emptied at once may leave too few to hold what they had; if you want that, order each by itself: meshos admin drain --node %s", words[0]))
	case stall <= 0:
		return wrong(fmt.Errorf("--stall: must be more than 0, is %v", stall))
	case !f.yes && !f.dryRun && a.prompter() == nil:
		return sign.NobodyToAsk(sign.Command{Kind: "drain"})
	}
	node, err := a.connect()
	if err != nil {
		return err
	}
	defer node.close()
	d := &nodeDrains{app: a, cmd: cmd, flags: f, window: window, words: words, node: node, signer: a.signer()}
	if d.target, err = sign.ReadTarget(a.configPath(), f.cluster); err != nil {
		return err
	}
	s, err := node.snapshot(ctx)
	if err != nil {
		return err
	}
	if err := a.learn(ctx, node, &d.target); err != nil {
		return err
	}
	if d.nodes, err = membersNamed(s, words); err != nil {
		return wrong(err)
	}
	d.series = newDrainSeries(s, stall, drainSilent)
	d.preview(s)
	if f.dryRun {
		return d.dryRun()
	}
	if err := d.reachable(ctx); err != nil {
		return err
	}
	return d.run(ctx)
}

// membersNamed returns the members of the mesh that are named by id or name, and there.
func membersNamed(s *meshosv1.Snapshot, words []string) (out []ref, err error) {
	if s.GetMesh().GetHeight() == 0 {
		return nil, errors.New("--nodes: this node belongs to no mesh, so it can drain itself alone: meshos admin drain")
	}
	known := []ref{{s.GetNode(), s.GetInfo().GetName()}}
	for _, p := range s.GetPeers() {
		if p.GetMember() != nil && p.GetPeer() != s.GetNode() {
			known = append(known, ref{p.GetPeer(), p.GetName()})
		}
	}
	for _, word := range words {
		f := &nodeFlag{flag: "nodes"}
		if err := f.Set(strings.TrimSpace(word)); err != nil {
			return nil, fmt.Errorf("--nodes: %w", err)
		}
		id, err := f.id(s)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(known, func(r ref) bool { return r.id == id })
		if i < 0 {
			return nil, errors.New("--nodes: " + unknownName("node", f.word, known))
		}
		if slices.Contains(out, known[i]) {
			return nil, fmt.Errorf("--nodes: node %s is named twice", nameOrID(view.Plain(known[i].name), id))
		}
		out = append(out, known[i])
	}
	return out, nil
}

func (d *nodeDrains) preview(s *meshosv1.Snapshot) {
	w := d.app.err
	if d.flags.dryRun && *d.flags.output == outputTable {
		w = d.app.out
	}
	text := fmt.Sprintf("Drain %s one after the other: %s\n  Each is emptied and stays cordoned; the next one is drained once it is empty, and not before you say so.\n",
		view.Counted(len(d.nodes), "node"), refNames(d.nodes))
	if d.flags.yes {
		text = strings.Replace(text, ", and not before you say so", "", 1)
	}
	for id := range d.series.wasBad {
		for _, p := range s.GetPeers() {
			if p.GetPeer() == id {
				text += "  " + d.app.color(w).Apply(view.Warning, fmt.Sprintf("Node %s %s already.", nameOrID(view.Plain(p.GetName()), id), notWell(p))) + "\n"
			}
		}
	}
	_, _ = io.WriteString(w, text)
}

func refNames(nodes []ref) string {
	words := make([]string, len(nodes))
	for i, r := range nodes {
		words[i] = nameOrID(view.Plain(r.name), r.id)
	}
	return strings.Join(words, ", ")
}

func (d *nodeDrains) command(of ref) (sign.Command, error) {
	command, err := sign.NewCommand(&meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Drain{Drain: &meshosv1.Drain{Node: of.id, DrainFor: d.window}}})
	command.Reason = d.flags.reason
	return command, err
}

func (d *nodeDrains) dryRun() error {
	if *d.flags.output != outputJSON {
		_, err := io.WriteString(d.app.out, "Nothing was sent.\n")
		return err
	}
	for _, of := range d.nodes {
		command, err := d.command(of)
		if err != nil {
			return err
		}
		if err := view.JSON(d.app.out, command.Event, true); err != nil {
			return err
		}
	}
	return nil
}

// reachable asks each node once, before anything is ordered.
func (d *nodeDrains) reachable(ctx context.Context) error {
	for _, of := range d.nodes {
		if _, err := d.ask(ctx, of); err != nil {
			return fmt.Errorf("nothing was ordered: %w", err)
		}
	}
	return nil
}

// ask returns what a node shows of its drain.
func (d *nodeDrains) ask(ctx context.Context, of ref) (*meshosv1.Snapshot, error) {
	other, err := d.app.connectTo(fmt.Sprint(of.id))
	if err != nil {
		return nil, err
	}
	defer other.close()
	return other.sections(ctx, hostv1.SnapshotFilter_SECTION_WAITING_FOR, hostv1.SnapshotFilter_SECTION_ADMIN_AUDIT)
}

// sections asks for the newest snapshot with these lists only.
func (n *nodeClient) sections(ctx context.Context, sections ...hostv1.SnapshotFilter_Section) (*meshosv1.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	s, err := document.Get(ctx, n, &hostv1.SnapshotFilter{Sections: sections})
	if err != nil {
		return nil, n.explain(err)
	}
	n.answered, n.inMesh = true, s.GetMesh().GetHeight() > 0
	return s, nil
}

func (d *nodeDrains) run(ctx context.Context) error {
	a := d.app
	keys, closeKeys, err := a.signingKeys(ctx, d.signer, d.flags, d.target)
	if err != nil {
		return err
	}
	defer closeKeys()
	d.keys = keys
	for i, of := range d.nodes {
		if !d.flags.yes {
			d.sent, d.ordered = false, false
			if err := d.mayBegin(ctx, of, i); err != nil {
				return d.stopped(i, i, err)
			}
		}
		begun := a.now()
		height, end, err := d.drain(ctx, i, of)
		d.report(i, end, height, a.now().Sub(begun))
		if end.result == resultDrained {
			continue
		}
		if err == nil || ctx.Err() != nil { // an interrupted series is not done, so its error is one
			err = fmt.Errorf("node %s: %s", nameOrID(view.Plain(of.name), of.id), end.why)
		}
		return d.stopped(i, i+1, err)
	}
	return nil
}
