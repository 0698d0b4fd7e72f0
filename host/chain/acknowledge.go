package chain

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// feedRetry is how long after a failed acknowledgement the next is tried.
const feedRetry = time.Second

// acknowledge tells the loop, until ctx ends, how far all appenders of a chain
// are. A chain without appenders is acknowledged as it comes: there is nobody to
// wait for.
func (f *Followers) acknowledge(ctx context.Context) {
	var told marks
	for ctx.Err() == nil {
		changed := f.opts.Reader.Changed()
		retry := false
		for _, c := range allChains() {
			through := f.through(c)
			if through <= told[c] {
				continue
			}
			if f.acknowledgeOne(ctx, mesh.Acknowledged{Chain: c, Through: through}) {
				told[c] = through
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
		case <-f.moved:
		case <-changed:
		case <-ctx.Done():
		}
	}
}

func (f *Followers) acknowledgeOne(ctx context.Context, a mesh.Acknowledged) bool {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	err := f.opts.Feed.Acknowledge(ctx, a)
	if err != nil {
		f.opts.Log.Debug("an acknowledgement was not taken", "chain", a.Chain.String(), "through", a.Through, "error", err)
	}
	return err == nil
}

// through is the seq through which every appender of a chain holds it.
func (f *Followers) through(c mesh.RecordChain) uint64 {
	least, followed := uint64(0), false
	for _, one := range f.followers {
		if !one.follows(c) {
			continue
		}
		held := one.held[c].Load()
		if !followed || held < least {
			least = held
		}
		followed = true
	}
	if followed {
		return least
	}
	if s := f.opts.Reader.Latest(); s != nil {
		return ringOf(s, c).last()
	}
	return 0
}
