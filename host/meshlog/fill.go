package meshlog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// fillWithin is within which time, drawn at random, a node begins to fill up a log that went
// back: so that not all that have more do so at once.
const fillWithin = 400 * time.Millisecond

// Linked implements meshlink.Record.
func (l *Log) Linked(link *meshosv1.MeshLink) {
	l.mu.Lock()
	l.links++
	if err := l.follower.Linked(link); err != nil {
		l.once("read", fmt.Sprintf("the record of the log can't be compared with that of the others: %v", err))
	}
	l.stir()
	l.mu.Unlock()
	if l.Used() {
		l.wakeUp()
	}
}

// wentBack returns from which height on the log of the others is to be filled up.
func (l *Log) wentBack() (from uint64, back bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.links == l.filledFor {
		return 0, false // what was said last is older than what was filled up
	}
	return l.follower.WentBack()
}

// fillUp gives the others the entries that they lost. Who does so first wins: each entry is
// taken once.
func (l *Log) fillUp(ctx context.Context) {
	if _, back := l.wentBack(); !back {
		return
	}
	if !sleep(ctx, time.Duration(rand.Int64N(int64(fillWithin)))) {
		return
	}
	height, back := l.wentBack()
	if !back {
		return
	}
	l.mu.Lock()
	l.filledFor = l.links
	l.mu.Unlock()
	first := height
	for ; ; height++ {
		l.mu.Lock()
		request, err := l.follower.Fill(height)
		l.mu.Unlock()
		if err != nil {
			l.once("fill", fmt.Sprintf("the log of the others can't be filled up from here: %v", err))
			return
		}
		if request == nil {
			break
		}
		err = l.parts.Order(ctx, request)
		if err != nil {
			if !l.parts.NoQuorum(err) { // else nobody knows yet that it went back: no seed answers
				l.opts.Log.Info("the log of the mesh went back, and is filled up by somebody else, or can't be now", "height", height, "error", err)
			}
			break
		}
	}
	switch {
	case height > first && height == 2: // the first entry of a mesh that begins
		l.opts.Log.Info("the log of the mesh begins with this node's record")
	case height > first:
		l.opts.Log.Warn("the log of the mesh went back, and was filled up from this node's record", "from", first, "to", height-1)
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
