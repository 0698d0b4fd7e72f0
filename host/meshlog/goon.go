package meshlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/cluster"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// StoredMethod is what a node asks the host of a seed for the base from which its log goes on.
const StoredMethod = "meshos.StoredState"

const (
	storedPart   = 256 << 10 // bytes of one message of the answer
	storedWithin = time.Minute
	storedAgain  = 2 * time.Second // another node is asked
)

// ErrNoBase means that this node has no checkpoint from which others could go on.
var ErrNoBase = errors.New("this node has no checkpoint of the log of the mesh, or has not folded it yet")

// Stored sends the base, in parts, to another node whose record ends before the log begins.
func (l *Log) Stored(send func([]byte) error) error {
	l.mu.Lock()
	base := l.base
	l.mu.Unlock()
	if base == nil {
		return ErrNoBase
	}
	raw, err := proto.Marshal(base.Proof)
	if err != nil {
		return fmt.Errorf("encode the base of the log: %w", err)
	}
	for len(raw) > 0 {
		n := min(len(raw), storedPart)
		if err := send(raw[:n]); err != nil {
			return err
		}
		raw = raw[n:]
	}
	return nil
}

// catchUp has a node go on from a checkpoint whose record ends before the log of the others
// begins.
func (l *Log) catchUp(ctx context.Context) {
	l.mu.Lock()
	first, missed := l.follower.Missed()
	l.mu.Unlock()
	if !missed {
		l.setWhyBehind("")
		return
	}
	if now := time.Now(); now.Before(l.ask) {
		return
	} else {
		l.ask = now.Add(storedAgain)
	}
	base, err := l.fetch(ctx, first)
	if err == nil {
		err = l.goOn(ctx, base)
	}
	if ctx.Err() != nil {
		return
	}
	why := ""
	if err != nil {
		why = fmt.Sprintf("the log of the mesh begins at height %d, behind this node's record, and no checkpoint could be fetched to go on from: %v", first, err)
		l.once("base "+err.Error(), why)
	}
	l.setWhyBehind(why)
}

func (l *Log) setWhyBehind(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.whyBehind = why
}

// fetch asks a seed for the base from which its log goes on, and checks it.
func (l *Log) fetch(ctx context.Context, first uint64) (*cluster.Stored, error) {
	ctx, cancel := context.WithTimeout(ctx, storedWithin)
	defer cancel()
	var raw []byte
	err := l.parts.Ask(ctx, StoredMethod, func(part []byte) error {
		if len(raw)+len(part) > cluster.MaxStored {
			return errors.New("it is too large")
		}
		raw = append(raw, part...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var in meshosv1.StoredState
	if err := proto.Unmarshal(raw, &in); err != nil {
		return nil, &cluster.StoredError{Why: "it can't be read"}
	}
	l.mu.Lock()
	founding, own := l.state.Founding(), l.state.Height()
	if l.joining != nil && l.state.Height() == 0 {
		founding = l.joining.Founding
	}
	l.mu.Unlock()
	base, err := cluster.OpenStored(&in, founding)
	if err != nil {
		return nil, err
	}
	if h := base.Height(); h+1 < first || h <= own {
		return nil, fmt.Errorf("the checkpoint that was offered is of height %d only", h)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return base, base.Follows(l.state, func(height uint64) (cluster.Hash, bool) {
		e, err := l.record.entry(height)
		if err != nil {
			return cluster.Hash{}, false
		}
		return cluster.HashOf(e), true
	})
}

// goOn has the node go on from a base. It is on disk before anything is done.
func (l *Log) goOn(ctx context.Context, base *cluster.Stored) error {
	l.taking.Lock()
	defer l.taking.Unlock()
	if l.write() != nil || l.deliver(ctx) != nil {
		return errors.New("what this node has of the log is not folded yet")
	}
	next, err := copyOf(base.State)
	if err != nil {
		return err
	}
	if err := writeBase(ctx, l.record.dir, base); err != nil {
		return fmt.Errorf("it can't be written to disk: %w", err)
	}
	l.mu.Lock()
	var before *cluster.State
	if l.state.Height() > 0 {
		before = l.state
	}
	from := l.state.Height() + 1
	l.state, l.base = next, base
	l.record.beginAt(base.Height() + 1)
	l.follower.GoOn(next)
	inputs := l.missed(base.State, before)
	last := &inputs[len(inputs)-1]
	last.Reason = fmt.Sprintf("this node goes on from the checkpoint of height %d: what was ordered at heights %d to %d had been dropped from the log before it came here; what holds of it is done", base.Height(), from, base.Height())
	l.unfolded = append(l.unfolded, inputs...)
	l.opts.Log.Warn(last.Reason)
	l.changedMembers()
	l.stir()
	close(l.begun)
	l.begun = make(chan struct{})
	l.mu.Unlock()
	l.keepMember()
	l.commanded()
	l.ask = time.Time{}
	_ = l.deliver(ctx) // fails when the node ends: then the next start does it
	return nil
}

// Begun implements meshlink.Record.
func (l *Log) Begun() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun
}

// First implements meshlink.Record.
func (l *Log) First() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.follower.First()
}

// foldMissed hands the loop what it folds in place of entries that this node never had.
func (l *Log) foldMissed(ctx context.Context) error {
	for len(l.unfolded) > 0 {
		next := l.unfolded[0]
		if _, err := l.parts.Fold(ctx, next); err != nil {
			return fmt.Errorf("what holds at height %d is not folded yet: %w", next.Ordered.Height, err)
		}
		l.unfolded = l.unfolded[1:]
	}
	return nil
}
