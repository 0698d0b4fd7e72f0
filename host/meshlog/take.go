package meshlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/follower"
	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// recentMost is how many commands are remembered with their records, so that one that is sent
// again gets the answer that it had.
const recentMost = 4096

// Take implements meshlink.Record.
func (l *Log) Take(ctx context.Context, entries []*meshosv1.LoggedEntry) error {
	l.taking.Lock()
	defer l.taking.Unlock()
	if l.record == nil {
		return errors.New("this node belongs to no mesh; `meshos mesh join` makes it a member of one")
	}
	err := l.take(entries)
	if wrote := l.write(); wrote != nil {
		return wrote
	}
	if folded := l.deliver(ctx); folded != nil {
		return folded
	}
	return err
}

// take checks and folds entries; none of that is seen before it is on disk.
func (l *Log) take(entries []*meshosv1.LoggedEntry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.follower.Take(entries)
	if why, _ := l.follower.Frozen(); why != "" {
		l.stir()
	}
	var gap *cluster.GapError
	if err != nil && !errors.As(err, &gap) {
		l.once("refused "+err.Error(), fmt.Sprintf("an entry that the mesh plugin brings is refused: %v", err))
	}
	return err
}

// write writes what was folded to disk. After an error nothing of it is done; it is written
// when the next entry comes, or Run looks.
func (l *Log) write() error {
	l.mu.Lock()
	entries, first := l.follower.Unwritten()
	l.mu.Unlock()
	if len(entries) == 0 {
		return nil
	}
	if err := l.record.append(entries, first, l.opts.Now()); err != nil {
		l.once("disk "+err.Error(), fmt.Sprintf("the log of the mesh can't be written to disk, so nothing of it is done here; free space on the disk: %v", err))
		l.wakeUp()
		return fmt.Errorf("the log of the mesh can't be written to disk: %w", err)
	}
	l.mu.Lock()
	l.undeliver = append(l.undeliver, l.follower.Written(len(entries))...)
	l.filling.fresh = l.now()
	l.mu.Unlock()
	return nil
}

// deliver hands what is on disk to the loop, and to those who wait for it.
func (l *Log) deliver(ctx context.Context) error {
	for len(l.unaudited) > 0 {
		if _, err := l.parts.Fold(ctx, l.unaudited[0]); err != nil {
			return fmt.Errorf("the entry at height %d is restored and not audited yet: %w", l.unaudited[0].Ordered.Height, err)
		}
		l.unaudited = l.unaudited[1:]
	}
	if err := l.foldMissed(ctx); err != nil {
		return err
	}
	for len(l.undeliver) > 0 {
		next := l.undeliver[0]
		record, err := l.parts.Fold(ctx, l.input(next.Out, l.opts.Now()))
		if err != nil {
			return fmt.Errorf("the entry at height %d is recorded and not folded yet: %w", next.Out.Place.Height, err)
		}
		l.undeliver = l.undeliver[1:]
		l.folded(next, record)
	}
	return nil
}

// folded notes that an entry was folded here.
func (l *Log) folded(t follower.Taken, record mesh.AuditRecord) {
	out := t.Out
	l.mu.Lock()
	if out.Members || out.Chains {
		l.changedMembers()
	}
	if id := string(out.Order.CommitID); id != "" && record.Outcome.Verdict != mesh.VerdictRejected {
		l.remember(id, record)
	}
	l.follower.Folded(t, record)
	if out.Checkpoint {
		l.checkpointed = true
		l.wakeUp()
	}
	if out.Recovered {
		l.sayRecovery(l.state.Recovered())
	}
	l.stir()
	l.mu.Unlock()
	if out.Members {
		l.keepMember()
	}
	if out.Signers {
		l.commanded()
	}
}

// changedMembers notes who belongs to the mesh now. The caller holds mu.
func (l *Log) changedMembers() {
	l.setMembers()
	l.forgetOthers()
	if _, is := l.state.Member(l.opts.Node); is && l.joining != nil {
		l.joining, l.whyJoining = nil, ""
		l.follower.Joined()
		removeJoining(l.opts.DataDir)
	}
}

func (l *Log) remember(id string, record mesh.AuditRecord) {
	if _, known := l.recent[id]; !known {
		l.recentIDs = append(l.recentIDs, id)
	}
	l.recent[id] = record
	if len(l.recentIDs) > recentMost {
		delete(l.recent, l.recentIDs[0])
		l.recentIDs = l.recentIDs[1:]
	}
}
