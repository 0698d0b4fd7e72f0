package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/api"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// history is what logs, failures, actions and audit tail share: which records are shown, over
// all runs of the node, and how.
type history struct {
	usual  int // how many are shown if nothing chooses them
	output *outputFlag
	follow bool
	lines  int
	since  string
	until  string
	dir    string
}

// addHistory adds the flags that choose records, which the help calls things.
func addHistory(cmd *cobra.Command, things string, usual int) *history {
	h := &history{usual: usual, output: addOutput(cmd)}
	flags := cmd.Flags()
	flags.BoolVarP(&h.follow, "follow", "f", false, "continue with new "+things)
	flags.IntVarP(&h.lines, "lines", "n", usual, "show only the `N` newest "+things+", 0 for all; with --since or --until the default is 0")
	flags.StringVar(&h.since, "since", "", "show "+things+" from this `TIME` on, or all")
	flags.StringVar(&h.until, "until", "", "show "+things+" up to this `TIME`")
	flags.StringVar(&h.dir, "dir", "", "ask no node, but read this `FOLDER`: a data_dir, or a copy of it")
	_ = cmd.MarkFlagDirname("dir")
	cmd.MarkFlagsMutuallyExclusive("follow", "until")
	cmd.MarkFlagsMutuallyExclusive("follow", "dir")
	return h
}

// request returns which records are wanted.
func (h *history) request(cmd *cobra.Command, a *app) (*hostv1.TailRequest, error) {
	wrong := func(format string, args ...any) error {
		return &usageError{err: fmt.Errorf(format, args...), help: cmd.CommandPath() + " --help"}
	}
	in := &hostv1.TailRequest{Follow: h.follow}
	most := h.lines
	if most < 0 {
		return nil, wrong("--lines: must not be negative, is %d", most)
	}
	if !cmd.Flags().Changed("lines") && (h.since != "" || h.until != "") {
		most = 0
	}
	in.Newest = uint32(min(most, 1<<20))
	if h.since != "" && h.since != "all" {
		from, err := readMoment(h.since, a.now(), a.zone)
		if err != nil {
			return nil, wrong("--since %w; or all", err)
		}
		in.Since = timestamppb.New(from.first)
	}
	if h.until != "" {
		to, err := readMoment(h.until, a.now(), a.zone)
		if err != nil {
			return nil, wrong("--until %w", err)
		}
		in.Until = timestamppb.New(to.end)
	}
	if in.Since != nil && in.Until != nil && !in.GetSince().AsTime().Before(in.GetUntil().AsTime()) {
		return nil, wrong("--until: %s is before %s, the time of --since", h.until, h.since)
	}
	return in, nil
}

// recorded is a record of the contract.
type recorded[M any] interface {
	*M
	proto.Message
	GetEpoch() uint64
	GetSeq() uint64
}

// chain is one of the node's four chains of records, as a command shows it.
type chain[M any] struct {
	name   string // of its folder
	tail   func(hostv1.HostClient, context.Context, *hostv1.TailRequest, ...grpc.CallOption) (grpc.ServerStreamingClient[M], error)
	stored func(*meshosv1.Record) *M
	at     func(*M) *timestamppb.Timestamp
	// wanted is what a node's filters choose, for records that no node reads; nil: all.
	wanted func(*M) bool
	line   func(*M) (string, error)
}

// showHistory shows records of a node, or of a folder.
func showHistory[M any, R recorded[M]](ctx context.Context, a *app, node *nodeClient, h *history, in *hostv1.TailRequest, c chain[M]) error {
	show := &recordPrinter[M, R]{a: a, json: *h.output == outputJSON, line: c.line, filtered: isFiltered(in)}
	if h.dir != "" {
		return readFolder(a, h.dir, in, c, show.print)
	}
	if h.follow {
		return a.whileRead(ctx, func(ctx context.Context) error {
			return followHistory(ctx, a, node, in, c, show)
		})
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	// A node that stops answering must not keep the command for ever.
	late := time.AfterFunc(a.timeout, func() { stop(errLate) })
	defer late.Stop()
	stream, err := c.tail(node.HostClient, ctx, in)
	err = receive(ctx, node, stream, err, func(r *M) error {
		late.Reset(a.timeout)
		return show.print(r)
	})
	if errors.Is(context.Cause(ctx), errLate) {
		return &noAnswerError{
			path: node.path, reason: fmt.Sprintf("no answer within %v", a.timeout), hint: "wait longer with --timeout, or choose fewer records with --since",
		}
	}
	return err
}

// isFiltered reports whether records in between may be left out. A time leaves some out in
// between, too: those that were made after the clock was set back.
func isFiltered(in *hostv1.TailRequest) bool {
	return in.GetMinLevel() > 0 || in.DaemonId != nil || in.GetSince() != nil || in.GetUntil() != nil
}

// followHistory shows records until ctx ends, also those of later runs of the node. It goes on
// behind the last record that it has shown.
func followHistory[M any, R recorded[M]](ctx context.Context, a *app, node *nodeClient, in *hostv1.TailRequest, c chain[M], show *recordPrinter[M, R]) error {
	return followRecords(ctx, a, node, in, c, show, show.print)
}

// followRecords is followHistory, and hands each record to take, which has to call show.print.
func followRecords[M any, R recorded[M]](
	ctx context.Context, a *app, node *nodeClient, in *hostv1.TailRequest, c chain[M], show *recordPrinter[M, R], take func(*M) error,
) error {
	shown := make(map[uint64]uint64) // the last number of each epoch
	var first time.Time              // when the first record that was shown was made
	var stream grpc.ServerStreamingClient[M]
	return follow(ctx, a.newFollower(node), func(ctx context.Context) (_ grpc.ServerStreamingClient[M], err error) {
		if show.epoch > 0 {
			in.Newest, in.Epoch, in.AfterSeq = 0, show.epoch, show.seq
		}
		stream, err = c.tail(node.HostClient, ctx, in)
		return stream, err
	}, func(m *M) error {
		r, at := R(m), c.at(m).AsTime()
		last, known := shown[r.GetEpoch()]
		if known && r.GetSeq() <= last {
			return nil
		}
		// A node that was killed does not know the last record of before: it sends all.
		if header, err := stream.Header(); !known && at.Before(first) && err == nil && len(header.Get(api.GapHeader)) > 0 {
			return nil
		}
		if first.IsZero() {
			first = at
		}
		shown[r.GetEpoch()] = r.GetSeq()
		return take(m)
	})
}

// errLate ends a stream that brings nothing any more.
var errLate = errors.New("no answer in time")

// recordPrinter prints records in the order of their chain, and shows where a run of the
// node ends and where records are missing.
type recordPrinter[M any, R recorded[M]] struct {
	a        *app
	json     bool
	node     string // that the records are from, where it is said; else ""
	filtered bool   // records that are not wanted are left out, so that no number tells of a loss
	line     func(*M) (string, error)
	epoch    uint64
	seq      uint64
}

func (p *recordPrinter[M, R]) print(m *M) error {
	r := R(m)
	missing, restarted := uint64(0), p.epoch != 0 && r.GetEpoch() != p.epoch
	switch {
	case restarted && r.GetSeq() > 0: // the first record of a run is 1
		missing = r.GetSeq() - 1
	case r.GetEpoch() == p.epoch && r.GetSeq() > p.seq:
		missing = r.GetSeq() - p.seq - 1
	}
	p.epoch, p.seq = r.GetEpoch(), r.GetSeq()
	if missing > 0 && !p.filtered {
		if _, err := fmt.Fprintf(p.a.err, "warning: %s missing here\n", view.Counted(int(missing), "record")); err != nil {
			return err
		}
	}
	if p.json {
		return view.JSONWith(p.a.out, r, true, "node_name", p.node)
	}
	text, err := p.line(m)
	if err != nil {
		return err
	}
	if restarted {
		text = p.a.printer(p.a.out).Restarted(r.GetEpoch()) + text
	}
	_, err = io.WriteString(p.a.out, text)
	return err
}
