package records

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/meshos/meshos/host/mesh"
)

// maxSpans bounds how many spans of lost records are remembered for each chain.
const maxSpans = 256

// progress is how far the records of the present epoch are on disk.
type progress struct {
	mu      sync.Mutex
	epoch   uint64 // 0 before the first snapshot
	through perChain[uint64]
	taken   uint64 // the audit records up to here need not stay in the loop's ring
	lost    [len(perChain[uint64]{})][]span
	gone    perChain[uint64] // how many records are lost
	ended   bool
	changed chan struct{} // closed when any of this changes
	rounds  chan struct{} // closed when all of a snapshot is on disk
}

func newProgress() *progress {
	return &progress{changed: make(chan struct{}), rounds: make(chan struct{})}
}

func (p *progress) signal() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *progress) begin(epoch uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch = epoch
	p.signal()
}

// advance notes that a group is on disk.
func (p *progress) advance(c mesh.RecordChain, g group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.through[c] = g.through
	p.lost[c] = append(append(p.lost[c], g.lost...), g.large...)
	p.lost[c] = p.lost[c][max(0, len(p.lost[c])-maxSpans):]
	for _, s := range append(append([]span(nil), g.lost...), g.large...) {
		p.gone[c] += s.len()
	}
	p.signal()
}

// took notes up to where audit records need not stay in the loop's ring: they are written, or
// can't be written now.
func (p *progress) took(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if seq > p.taken {
		p.taken = seq
		p.signal()
	}
}

// AuditTaken returns the seq up to which the audit records of this process need not stay in
// the loop's ring: they are written, though perhaps not synced, or can't be written now. The
// channel is closed when that may have changed.
func (r *Records) AuditTaken() (seq uint64, changed <-chan struct{}) {
	p := r.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken, p.changed
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.signal()
}

// position returns the epoch, and the seq through which a chain is on disk.
func (p *progress) position(c mesh.RecordChain) (epoch, through uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epoch, p.through[c]
}

// fate returns the seq through which a chain is on disk, and how many records before it are
// lost.
func (p *progress) fate(c mesh.RecordChain) (through, lost uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.through[c], p.gone[c]
}

// endRound notes that all of a snapshot is on disk, in all chains that could be written.
func (p *progress) endRound() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.rounds)
	p.rounds = make(chan struct{})
}

// nextRound returns a channel that is closed when the next round ends. Followers wait for it,
// to batch the records of all chains together.
func (p *progress) nextRound() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rounds
}

// ErrLost means that a record is not on disk and never will be: it left the node's memory
// before it could be written, or the node ended.
var ErrLost = errors.New("the record was lost before it could be written to disk")

// Durable waits until a record is on disk and synced, so that it survives a loss of power. An
// error that Is ErrLost means that it never will be; any other is ctx's, and says nothing
// about the record.
func (r *Records) Durable(ctx context.Context, c mesh.RecordChain, epoch, seq uint64) error {
	p := r.progress
	for {
		p.mu.Lock()
		present, through, ended, changed := p.epoch, p.through[c], p.ended, p.changed
		lost := isLost(p.lost[c], seq)
		p.mu.Unlock()
		switch {
		case present == epoch && seq <= through && lost:
			return fmt.Errorf("%s record %d: %w", c, seq, ErrLost)
		case present == epoch && seq <= through:
			return nil
		case present != 0 && present != epoch:
			return r.find(c, epoch, seq)
		case ended:
			return fmt.Errorf("%s record %d: the node ended: %w", c, seq, ErrLost)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait until %s record %d is on disk: %w", c, seq, context.Cause(ctx))
		}
	}
}

func isLost(lost []span, seq uint64) bool {
	for _, s := range lost {
		if s.first <= seq && seq <= s.last {
			return true
		}
	}
	return false
}

// find looks on disk for a record of an earlier epoch.
func (r *Records) find(c mesh.RecordChain, epoch, seq uint64) error {
	number, known, err := r.logs[c].After(epoch, seq-1)
	if err != nil {
		return err
	}
	if known {
		in := r.logs[c].Read(number)
		defer in.Close()
		if e, _, err := in.Next(); err == nil && e.Epoch == epoch && e.Seq == seq && e.Data != nil {
			return nil
		}
	}
	return fmt.Errorf("%s record %d of epoch %d: %w", c, seq, epoch, ErrLost)
}
