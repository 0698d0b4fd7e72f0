package meshlog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/meshos/meshos/host/cluster"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// fillWithin is within which time, drawn at random, a node begins to fill up a log that went
// back: so that not all that have more do so at once.
const fillWithin = 400 * time.Millisecond

// Fork is where the log of the others leaves this node's record.
type Fork struct {
	Height      uint64 // at which the two differ first, as far as it is known
	Own, Theirs cluster.Hash
}

// Linked implements meshlink.Record.
func (l *Log) Linked(link *meshosv1.MeshLink) {
	l.mu.Lock()
	l.link = link
	b := link.GetBeacon()
	behind := false
	if b != nil {
		l.known = max(l.known, b.GetHeight())
		behind = l.beacon(b)
	}
	l.mu.Unlock()
	if behind || l.Used() {
		l.wakeUp()
	}
}

// beacon compares the end of the others' log with the record, and reports whether it went
// back. The caller holds mu.
func (l *Log) beacon(b *meshosv1.MeshLink_Beacon) (back bool) {
	height, own := b.GetHeight(), l.state.Height()
	if l.record == nil || own == 0 || height > own || l.frozen != "" {
		return false
	}
	if height > 0 && len(b.GetHead()) == len(cluster.Hash{}) {
		hash, err := l.hashAt(height)
		if err != nil {
			l.once("read", fmt.Sprintf("the record of the log can't be compared with that of the others: %v", err))
			return false
		}
		if theirs := cluster.Hash(b.GetHead()); theirs != hash {
			l.forked(Fork{Height: height, Own: hash, Theirs: theirs})
			return false
		}
	}
	return height < own
}

// forked freezes the log, since the others have another one. The caller holds mu.
func (l *Log) forked(f Fork) {
	l.fork = &f
	l.freeze(fmt.Sprintf("the log of the others differs from this node's record at height %d: here its hash is %s, there %s; "+
		"`meshos mesh adopt` says what each has, and takes theirs over", f.Height, f.Own, f.Theirs))
}

// freeze has the node fold nothing any more. The caller holds mu.
func (l *Log) freeze(why string) {
	if l.frozen != "" {
		return
	}
	l.frozen = why
	for _, w := range l.waiters {
		w.done <- waited{lost: true}
	}
	l.waiters = nil
	l.opts.Report("mesh:log", "nothing of the log of the mesh is folded any more: "+why)
}

// wentBack returns how far the log of the others goes, if that is less than the record.
func (l *Log) wentBack() (from uint64, back bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.link.GetQuorum() {
		return 0, false
	}
	b := l.link.GetBeacon() // nil: of a log without an entry there is none
	if !l.beacon(b) {
		return 0, false
	}
	if _, member := l.state.Member(l.opts.Node); !member {
		return 0, false
	}
	return b.GetHeight() + 1, true
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
	first := height
	for ; ; height++ {
		l.mu.Lock()
		onDisk := l.state.Height() - uint64(len(l.unwritten))
		var e *meshosv1.LoggedEntry
		var err error
		if height <= onDisk {
			e, err = l.record.entry(height)
		}
		l.mu.Unlock()
		if err != nil {
			l.once("fill", fmt.Sprintf("the log of the others can't be filled up from here: %v", err))
			return
		}
		if e == nil {
			break
		}
		hash := cluster.HashOf(e)
		err = l.parts.Order(ctx, &pluginv1.OrderRequest{Entry: e.GetEntry(), Height: height, Id: hash[:], LogTime: e.GetLogTime()})
		if err != nil {
			l.opts.Log.Info("the log of the mesh went back, and is filled up by somebody else, or can't be now", "height", height, "error", err)
			break
		}
	}
	if height > first {
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
