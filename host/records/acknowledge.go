package records

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// feedRetry is how long after a failed acknowledgement the next is tried.
const feedRetry = time.Second

// acknowledge reports to the loop, until ctx ends, through which seq each chain is on disk
// and held by all its appenders.
func (r *Records) acknowledge(ctx context.Context, feed Feed) {
	var acked perChain[uint64]
	for ctx.Err() == nil {
		retry := false
		for _, c := range allChains() {
			through := r.through(c)
			if through <= acked[c] {
				continue
			}
			if r.acknowledgeOne(ctx, feed, mesh.Acknowledged{Chain: c, Through: through}) {
				acked[c] = through
			} else {
				retry = true
			}
		}
		if retry {
			timer := time.NewTimer(feedRetry)
			wait(ctx, nil, timer.C)
			timer.Stop()
			continue
		}
		select {
		case <-r.moved:
		case <-ctx.Done():
		}
	}
}

func (r *Records) acknowledgeOne(ctx context.Context, feed Feed, a mesh.Acknowledged) bool {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	err := feed.Acknowledge(ctx, a)
	if err != nil {
		r.opts.Log.Debug("an acknowledgement was not taken", "chain", a.Chain.String(), "through", a.Through, "error", err)
	}
	return err == nil
}

// through returns the seq through which a chain is on disk and every appender holds it.
func (r *Records) through(c mesh.RecordChain) uint64 {
	_, least := r.progress.position(c)
	for _, one := range r.subscribers {
		if one.follows(c) {
			least = min(least, one.held[c].Load())
		}
	}
	return least
}

// pending reports whether an appender of the chain does not hold an entry yet.
func (r *Records) pending(c mesh.RecordChain, number uint64) bool {
	for _, one := range r.subscribers {
		if one.follows(c) && number > one.number[c].Load() {
			return true
		}
	}
	return false
}
