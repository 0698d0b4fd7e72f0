package meshlog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	// fillWithin is within which time, drawn at random, a node begins to fill up a log that went
	// back: so that not all that have more do so at once.
	fillWithin = 400 * time.Millisecond
	// fillYields is how long a node leaves that to another one that it sees do so.
	fillYields = 5 * time.Second
)

// filling is what a node knows of how the log of the others is filled up.
type filling struct {
	said   mesh.Time // when the others knew what they said last of its end
	height uint64    // that end
	fresh  mesh.Time // what they knew before is old: this node took or gave them entries then
	yields mesh.Time // another node fills it up, until then
}

// Linked implements meshlink.Record.
func (l *Log) Linked(link *meshosv1.MeshLink) {
	l.mu.Lock()
	if b := link.GetBeacon(); b != nil {
		f := &l.filling
		if _, back := l.wentBack(); back && b.GetHeight() > f.height {
			f.yields = l.now().Add(fillYields)
		}
		f.said, f.height = l.now().Add(-b.GetAge().AsDuration()), b.GetHeight()
	}
	if err := l.follower.Linked(link); err != nil {
		l.once("read", fmt.Sprintf("the record of the log can't be compared with that of the others: %v", err))
	}
	if why := l.follower.Differs(); why != "" {
		l.once(why, why)
	}
	l.stir()
	l.mu.Unlock()
	if l.Used() {
		l.wakeUp()
	}
}

// wentBack returns from which height on the log of the others lacks entries, unless what they
// said of it is old. The caller holds mu.
func (l *Log) wentBack() (from uint64, back bool) {
	if l.filling.said <= l.filling.fresh {
		return 0, false
	}
	return l.follower.WentBack()
}

// toFill returns from which height on this node is to fill up the log of the others.
func (l *Log) toFill() (from uint64, is bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now() < l.filling.yields {
		return 0, false
	}
	return l.wentBack()
}

// fillUp gives the others the entries that they lost. Who does so first wins: each entry is
// taken once.
func (l *Log) fillUp(ctx context.Context) {
	if _, is := l.toFill(); !is {
		return
	}
	if !sleep(ctx, time.Duration(rand.Int64N(int64(fillWithin)))) {
		return
	}
	first, is := l.toFill()
	if !is {
		return
	}
	next, err := l.fill(ctx, first)
	l.mu.Lock()
	l.filling.fresh = l.now()
	if err != nil && l.parts.Aborted(err) {
		l.filling.yields = l.now().Add(fillYields)
	}
	l.mu.Unlock()
	switch {
	case err == nil || l.parts.NoQuorum(err): // nobody takes entries: it is said again
	case l.parts.Aborted(err):
		l.opts.Log.Debug("another node fills the log of the mesh up", "height", next)
	case l.parts.Refused(err):
		l.once("fill "+err.Error(), fmt.Sprintf("the log of the mesh lacks entries from height %d on and can't be filled up: %v", next, err))
	default:
		l.opts.Log.Info("the log of the mesh can't be filled up now; it is tried again", "height", next, "error", err)
	}
	l.sayFilled(first, next)
}

// sayFilled says that the heights from first on, before next, were filled up.
func (l *Log) sayFilled(first, next uint64) {
	switch {
	case next == first:
	case first > 1:
		l.opts.Log.Warn("the seeds had lost the end of the log of the mesh, and have it again from this node's record", "from", first, "to", next-1)
	case next == 2: // the first entry of a mesh that begins
		l.opts.Log.Info("the log of the mesh begins with this node's record")
	default:
		l.opts.Log.Info("the seeds began with an empty log of the mesh, as they do when their number changes, and have it again from this node's record", "entries", next-1)
	}
}

// fill gives the others the entries from a height on, and returns the height after them. An
// error says why there are more.
func (l *Log) fill(ctx context.Context, height uint64) (next uint64, err error) {
	for ; ; height++ {
		l.mu.Lock()
		request, err := l.follower.Fill(height)
		l.mu.Unlock()
		if err != nil {
			l.once("fill", fmt.Sprintf("the log of the others can't be filled up from here: %v", err))
			return height, nil
		}
		if request == nil {
			return height, nil
		}
		if err := l.parts.Order(ctx, request); err != nil {
			return height, err
		}
	}
}

// sleep waits, and reports whether ctx lasted.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
