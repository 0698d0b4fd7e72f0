package host

import (
	"context"
	"fmt"
	"sync"

	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
)

// unshown is how many audit records of signed commands may wait for the next
// snapshot. The ring of a snapshot keeps twice as many, so that a flood of bad
// commands can't push the record of a good one out before it is on disk.
const unshown = state.AuditRing / 2

// snapshots is what a pace goes by.
type snapshots interface {
	Latest() *snapshot.Snapshot
	Changed() <-chan struct{}
	Done() <-chan struct{}
}

// pace lets signed commands in as fast as their records are shown.
type pace struct {
	reader snapshots

	mu       sync.Mutex
	underWay uint64
	newest   uint64 // seq of the newest record that is known
}

func newPace(reader snapshots) *pace { return &pace{reader: reader} }

// room implements api.Room.
func (p *pace) room(ctx context.Context) (done func(seq uint64), err error) {
	for {
		changed := p.reader.Changed() // before Latest, so as to miss none
		if p.enter(newestAudit(p.reader.Latest())) {
			return p.leave, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("too many commands at once, this one did not get its turn: %w", context.Cause(ctx))
		case <-p.reader.Done():
			return nil, loop.ErrLoopClosed
		}
	}
}

func (p *pace) enter(shown uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.newest = max(p.newest, shown)
	if p.underWay+p.newest-shown >= unshown {
		return false
	}
	p.underWay++
	return true
}

func (p *pace) leave(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.underWay--
	p.newest = max(p.newest, seq)
}

func newestAudit(s *snapshot.Snapshot) uint64 {
	if len(s.Audit) == 0 {
		return 0
	}
	return s.Audit[len(s.Audit)-1].Seq
}
