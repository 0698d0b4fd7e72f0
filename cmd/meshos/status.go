package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newStatusCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how a node is: what is wrong first",
		Long: `Shows how a node is: in a sentence what is wrong, since when and why, then the peers,
daemons, plugins and chains that are not well, and how many are. --all shows all of
them, --peer and --daemon only those named, --unhealthy nothing but what is wrong.

With --watch it continues with each newer state, also when the node is started again. On
a terminal the page can be scrolled (arrows, PgUp, PgDn, g, G) and searched (/, n, N); a
shows all, q quits. Elsewhere each state is appended, until the command is interrupted. With -o json it prints the
contract's Snapshot as one document. With --watch the first line has the Snapshot, and each
further one a SnapshotDelta: what changed, by id (see docs/api.md). A Snapshot that follows
means that the node was started again. --whole prints whole Snapshots, one in each line, and
so do --peer, --daemon and --unhealthy.`,
		Example: `  meshos status
  meshos status -w
  meshos status --peer db-3 --daemon redis
  meshos status --unhealthy -o json | jq -r '.peers[].name'
  meshos status -o json | jq '.peers[] | {peer, rtt, health}'
  meshos status -w -o json | jq -c '.replicas[]? | {chain, holders}'`,
		Args: cobra.NoArgs,
	}
	output, wide := addOutput(cmd), addWide(cmd)
	watch := cmd.Flags().BoolP("watch", "w", false, "continue with each newer state")
	whole := cmd.Flags().Bool("whole", false, "with --watch -o json: print whole snapshots, not what changed")
	all := cmd.Flags().Bool("all", false, "show what is well, too")
	unhealthy := cmd.Flags().Bool("unhealthy", false, "show nothing but what is wrong")
	peers := cmd.Flags().StringArray("peer", nil, "show only the peer with this `ID` or name; may be repeated")
	daemons := cmd.Flags().StringArray("daemon", nil, "show only the daemon with this `ID` or name; may be repeated")
	cmd.MarkFlagsMutuallyExclusive("all", "unhealthy")
	_ = cmd.RegisterFlagCompletionFunc("daemon", a.completeDaemons)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		snapshot, err := node.snapshot(cmd.Context())
		if err != nil {
			return err
		}
		filter := view.Filter{All: *all, Unhealthy: *unhealthy}
		if filter.Peers, err = named("--peer", *peers, peerRefs(snapshot)); err != nil {
			return err
		}
		if filter.Daemons, err = named("--daemon", *daemons, daemonRefs(snapshot)); err != nil {
			return err
		}
		s := &statusPage{a: a, node: node, filter: filter}
		if *whole && (!*watch || *output != outputJSON) {
			return &usageError{err: errors.New("--whole: goes with --watch -o json only")}
		}
		screen := &screen{out: a.out, output: *output, watch: *watch, printer: a.pagePrinter(*wide), page: s.page}
		switch {
		case !*watch:
			return screen.show(cmd.Context(), snapshot)
		case *output == outputTable && terminal(a.out) && terminal(a.in):
			return a.watchScreen(cmd.Context(), node, *wide, func(ctx context.Context, of *meshosv1.Snapshot, p view.Printer) pageShown {
				return a.pageOf(ctx, of, s, p)
			})
		}
		return a.whileRead(cmd.Context(), func(ctx context.Context) error {
			show := func(s *meshosv1.Snapshot) error { return screen.show(ctx, s) }
			visit := documents(show)
			if *output == outputJSON && !*whole && !*unhealthy && len(*peers)+len(*daemons) == 0 {
				visit = changes(show, func(d *meshosv1.SnapshotDelta) error { return view.JSON(a.out, d, true) })
			}
			return follow(ctx, a.newFollower(node), node.watchAll, visit)
		})
	}
	return cmd
}

// statusPage makes pages of snapshots.
type statusPage struct {
	a       *app
	node    *nodeClient
	filter  view.Filter
	earlier []*meshosv1.AdminAuditRecord
	epoch   uint64 // for which earlier was asked for
}

// earlierCommands is how many commands are looked through for the one that led to a state.
const earlierCommands = 256

// page returns the page of a snapshot. If the snapshot does not show who ordered the state of
// the node, the node's records are asked, once.
func (s *statusPage) page(ctx context.Context, snapshot *meshosv1.Snapshot) view.Page {
	page := view.Page{Snapshot: snapshot, Now: s.a.now(), Earlier: s.earlier, Filter: s.filter}
	if !view.OutOfService(snapshot) || page.OrdersKnown() || s.epoch == snapshot.GetEpoch() {
		return page
	}
	s.epoch, s.earlier = snapshot.GetEpoch(), nil
	ctx, cancel := context.WithTimeout(ctx, s.a.timeout)
	defer cancel()
	stream, err := s.node.TailAudit(ctx, &hostv1.TailRequest{Newest: earlierCommands})
	_ = receive(ctx, s.node, stream, err, func(r *meshosv1.AdminAuditRecord) error { // else the page does without
		s.earlier = append(s.earlier, r)
		return nil
	})
	page.Earlier = s.earlier
	return page
}

func peerRefs(s *meshosv1.Snapshot) (out []ref) {
	for _, p := range s.GetPeers() {
		out = append(out, ref{p.GetPeer(), p.GetName()})
	}
	return out
}

func daemonRefs(s *meshosv1.Snapshot) (out []ref) {
	for _, d := range s.GetDaemons() {
		out = append(out, ref{d.GetDaemon().GetId(), d.GetDaemon().GetName()})
	}
	return out
}

// ref is the id and name of a peer or daemon.
type ref struct {
	id   uint64
	name string
}

// named returns the ids of those that words name. A number is an id: names are labels.
func named(flag string, words []string, known []ref) (out []uint64, err error) {
	for _, word := range words {
		id, err := strconv.ParseUint(word, 10, 64)
		var found []uint64
		for _, r := range known {
			if err == nil && r.id == id || err != nil && r.name == word {
				found = append(found, r.id)
			}
		}
		switch len(found) {
		case 0:
			return nil, &usageError{err: fmt.Errorf("%s: %s", flag, unknownName(strings.TrimPrefix(flag, "--"), word, known))}
		case 1:
			out = append(out, found[0])
		default:
			return nil, &usageError{err: fmt.Errorf("%s: several have the name %q; use one of their ids: %s", flag, word, strings.Trim(fmt.Sprint(found), "[]"))}
		}
	}
	return out, nil
}

// refWords returns "1 (a), 2": at most 20 of them.
func refWords(known []ref) string {
	var words []string
	for _, r := range known[:min(len(known), 20)] {
		words = append(words, view.Daemon(&meshosv1.DaemonRef{Id: r.id, Name: r.name}))
	}
	if more := len(known) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(slices.Clip(words), ", ")
}

// screen prints snapshots, one after the other.
type screen struct {
	out     io.Writer
	output  outputFlag
	watch   bool
	printer view.Printer
	page    func(context.Context, *meshosv1.Snapshot) view.Page
	shown   int
}

// addWide adds --wide to a command that prints tables.
func addWide(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("wide", false, "one line for each row, with all columns, however long it becomes")
}

// pagePrinter is the printer for pages that are as wide as the terminal, or as all that is in
// them.
func (a *app) pagePrinter(wide bool) view.Printer {
	p := a.printer(a.out)
	if p.Width, _ = a.terminalSize(); wide {
		p.Width = view.Unlimited
	}
	return p
}

// terminalSize returns the columns and rows of standard output; 0 for what is no terminal.
func (a *app) terminalSize() (width, height int) {
	if file, ok := a.out.(*os.File); ok && terminal(file) {
		width, height, _ = term.GetSize(int(file.Fd()))
	}
	return width, height
}

func (s *screen) show(ctx context.Context, snapshot *meshosv1.Snapshot) error {
	s.shown++
	page := s.page(ctx, snapshot)
	if s.output == outputJSON {
		return view.JSON(s.out, page.Filter.Filtered(snapshot), s.watch)
	}
	text := s.printer.Status(page)
	if s.shown > 1 {
		text = "\n" + text
	}
	_, err := io.WriteString(s.out, text)
	return err
}
