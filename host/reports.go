package host

import (
	"context"
	"log/slog"
	"time"

	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
)

// reports brings failures that parts of the host saw into the loop, without ever
// holding up who saw them. What finds it full is in the process's log only.
type reports struct {
	feed  loop.Feed
	log   *slog.Logger
	queue chan mesh.FailureReport
}

func newReports(feed loop.Feed, log *slog.Logger) *reports {
	return &reports{feed: feed, log: log, queue: make(chan mesh.FailureReport, 256)}
}

func (r *reports) add(source, reason string) {
	select {
	case r.queue <- mesh.FailureReport{Source: source, Reason: reason}:
	default:
		r.log.Error("a failure found no room to be recorded", "source", source, "reason", reason)
	}
}

// run hands the reports on until ctx ends, and then for a moment those that are left.
func (r *reports) run(ctx context.Context) {
	handing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(endReports, cancel) })
	defer stop()
	for {
		select {
		case f := <-r.queue:
			r.hand(handing, f)
			continue
		case <-ctx.Done():
		}
		select {
		case f := <-r.queue:
			r.hand(handing, f)
		default:
			return
		}
	}
}

func (r *reports) hand(ctx context.Context, f mesh.FailureReport) {
	if err := r.feed.Report(ctx, f); err != nil {
		r.log.Error("a failure was not recorded", "source", f.Source, "reason", f.Reason, "error", err)
	}
}
