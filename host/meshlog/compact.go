package meshlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	// compactEvery is how often a node looks whether something of the log may go.
	compactEvery = time.Minute
	// compactSoon is the same while a checkpoint waits for what the node left on disk.
	compactSoon = time.Second
)

// compacting is what a node knows of what it needs no more of the log.
type compacting struct {
	next   time.Time // when it looks again
	failed uint64    // the checkpoint that could not be made a base; 0: none
}

// compact makes the last checkpoint the base from which the record goes on, and drops what is
// before it and old, or too much. The seeds may drop the same.
func (l *Log) compact(ctx context.Context) {
	now := time.Now()
	l.mu.Lock()
	due := l.checkpointed
	l.checkpointed = false
	l.mu.Unlock()
	if !due && now.Before(l.compacting.next) {
		return
	}
	l.compacting.next = now.Add(compactEvery)
	l.mu.Lock()
	mark, at := l.state.Checkpoint()
	base := l.base
	unwritten, _ := l.follower.Unwritten()
	onDisk := l.state.Height() - uint64(len(unwritten))
	frozen, _ := l.follower.Frozen()
	l.mu.Unlock()
	if frozen != "" {
		return
	}
	if mark.Height > base.Height() && mark.Height != l.compacting.failed {
		if at > onDisk || at > l.parts.Kept() {
			l.compacting.next = now.Add(compactSoon)
			return
		}
		switch made, err := l.makeBase(ctx, base, mark, at); {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.compacting.failed = mark.Height
			l.once("base "+err.Error(), fmt.Sprintf("the log of the mesh can't go on from the checkpoint at height %d, so nothing of it is dropped: %v", mark.Height, err))
		default:
			base = made
			l.opts.Log.Info("the record of the log of the mesh goes on from a checkpoint", "height", base.Height())
		}
	}
	if base != nil {
		l.drop(base)
	}
}

// makeBase folds the record up to a checkpoint, and keeps what it leads to as the base.
func (l *Log) makeBase(ctx context.Context, from *cluster.Stored, mark cluster.Mark, at uint64) (*cluster.Stored, error) {
	in, err := l.fold(ctx, from, mark, at)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	founding := l.state.Founding()
	l.mu.Unlock()
	base, err := cluster.OpenStored(in, founding)
	if err != nil {
		return nil, err
	}
	if err := writeBase(ctx, l.record.dir, base); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.base = base
	return base, nil
}

// fold returns what the record leads to at a checkpoint, which the entry of a height made.
func (l *Log) fold(ctx context.Context, from *cluster.Stored, mark cluster.Mark, at uint64) (*meshosv1.StoredState, error) {
	s, chain := cluster.New(), cluster.Chain{}
	if from != nil {
		var err error
		if s, err = copyOf(from.State); err != nil {
			return nil, err
		}
		for _, e := range from.Proof.GetChain() {
			if e.GetHeight() <= from.Height() {
				chain = append(chain, e)
			}
		}
	}
	number, has := l.record.numberOf(s.Height() + 1)
	if !has {
		return nil, fmt.Errorf("the record has no entry of height %d", s.Height()+1)
	}
	in := l.record.chain.Read(number)
	defer in.Close()
	var encoded []byte
	for ctx.Err() == nil {
		e, _, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("the record ends before height %d", at)
		}
		// What is damaged or does not continue the log was recorded again behind it, as in read.
		var dropped *durable.DroppedError
		var damaged *segment.DamageError
		if errors.As(err, &dropped) || errors.As(err, &damaged) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var recorded meshosv1.RecordedEntry
		if err := proto.Unmarshal(e.Data, &recorded); err != nil {
			continue
		}
		c, err := s.Recorded(&recorded)
		if err != nil {
			continue
		}
		out := s.Fold(c)
		switch height := s.Height(); {
		case height == at:
			return cluster.Store(encoded, chain, recorded.GetLogged(), at), nil
		case height == mark.Height:
			if sum := s.Sum(); sum != mark.Sum {
				return nil, fmt.Errorf("the record leads to %s at height %d, and the checkpoint says %s", sum, height, mark.Sum)
			}
			if encoded, err = s.Encode(); err != nil {
				return nil, err
			}
		}
		chain.See(recorded.GetLogged(), out)
	}
	return nil, ctx.Err()
}

// drop drops what is not needed of the record, and says up to which height the seeds may do so.
func (l *Log) drop(base *cluster.Stored) {
	l.taking.Lock()
	defer l.taking.Unlock()
	through := l.old(base)
	if through == 0 {
		return
	}
	first, err := l.record.drop(through)
	if err != nil {
		l.once("drop "+err.Error(), fmt.Sprintf("the beginning of the record of the log of the mesh can't be dropped: %v", err))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if through <= l.through && first == l.follower.First() {
		return
	}
	l.through = max(l.through, through)
	l.begins(first)
	l.setMembers()
	l.opts.Log.Info("the log of the mesh needs its beginning no more", "checkpoint", base.Height(), "dropped up to", through, "the record begins at", first)
}

// begins tells the follower where the record begins. The caller holds mu.
func (l *Log) begins(first uint64) {
	head := cluster.Hash{}
	if l.base.Height()+1 == first {
		head = l.base.State.Head()
	}
	l.follower.Begins(first, head)
}

// old returns up to which height the log is not needed any more: it is before the base, and older
// than what is kept, by the time of the log itself, or the record is larger. 0: nothing is.
func (l *Log) old(base *cluster.Stored) uint64 {
	first, last := l.record.begin(), base.Height()
	if first > last {
		return 0
	}
	l.mu.Lock()
	since := l.state.Time().Add(-l.opts.KeepAge)
	count := l.state.Height() - first + 1
	l.mu.Unlock()
	through := uint64(0)
	if l.opts.KeepAge > 0 {
		// The first one that is not old.
		i := sort.Search(int(last-first+1), func(i int) bool {
			e, err := l.record.entry(first + uint64(i))
			return err != nil || !e.GetLogTime().AsTime().Before(since)
		})
		through = first + uint64(i) - 1
	}
	if bytes := l.record.chain.Bytes(); l.opts.KeepSize > 0 && bytes > l.opts.KeepSize {
		through = max(through, first+uint64(float64(count)*float64(bytes-l.opts.KeepSize)/float64(bytes)))
	}
	if through = min(through, last); through < first {
		return 0
	}
	return through
}

// drop drops the files that hold nothing above a height, and returns the height of the first
// entry that is left. It is called by who appends.
func (r *record) drop(through uint64) (first uint64, err error) {
	number, has := r.numberOf(through + 1)
	if !has {
		number = r.chain.Next()
	}
	_, err = r.chain.DropBefore(number, func() error { return nil })
	oldest := r.chain.Oldest()
	r.mu.Lock()
	defer r.mu.Unlock()
	gone := sort.Search(len(r.numbers), func(i int) bool { return r.numbers[i] >= oldest })
	r.first, r.numbers = r.first+uint64(gone), r.numbers[gone:]
	return r.first, err
}
