package host

import (
	"context"
	"log/slog"

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

// run hands the reports on until ctx ends.
func (r *reports) run(ctx context.Context) {
	for {
		select {
		case f := <-r.queue:
			if err := r.feed.Report(ctx, f); err != nil {
				r.log.Error("a failure was not recorded", "source", f.Source, "reason", f.Reason, "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}
