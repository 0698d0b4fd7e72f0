package meshlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/meshos/meshos/host/cluster"
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
	for _, e := range entries {
		if l.frozen != "" {
			return nil // what else the plugin says still counts
		}
		c, err := l.state.Check(e)
		if err == nil {
			err = l.acceptable(e, c)
		}
		if err != nil {
			if known, err := l.explain(e, err); known {
				continue
			} else if err != nil {
				return err
			}
			return nil
		}
		l.waitsDisk = append(l.waitsDisk, taken{l.state.Fold(c), e.GetEntry()})
		l.unwritten = append(l.unwritten, c.Record())
	}
	return nil
}

// acceptable returns why an entry that continues the log is not believed.
func (l *Log) acceptable(e *meshosv1.LoggedEntry, c cluster.Checked) error {
	if live := l.link.GetQuorum() && l.link.GetBeacon() != nil; live && e.GetRefilled() && c.Height() > l.known {
		return fmt.Errorf("the entry at height %d says that it is filled up, and nobody had one of that height: its time is not believed", c.Height())
	}
	if t := l.joining; t != nil && c.Height() == 1 && t.Founding != c.Hash() {
		return fmt.Errorf("this is another mesh than the one of the token: it begins with %s, and the token says %s; is the address of the seeds right?", c.Hash(), t.Founding)
	}
	return nil
}

// explain looks at an entry that does not continue the log. known means that the record has
// it. Without an error the log is frozen now.
func (l *Log) explain(e *meshosv1.LoggedEntry, err error) (known bool, _ error) {
	var gap *cluster.GapError
	var fork *cluster.ForkError
	var newer *cluster.NewerError
	switch {
	case errors.As(err, &gap) && gap.Got <= gap.Have:
		own, err := l.hashAt(gap.Got)
		if err != nil {
			return false, err
		}
		if theirs := cluster.HashOf(e); theirs != own {
			l.forked(Fork{Height: gap.Got, Own: own, Theirs: theirs})
			return false, nil
		}
		return true, nil
	case errors.As(err, &gap):
		return false, err
	case errors.As(err, &fork):
		l.forked(Fork{Height: fork.Height - 1, Own: fork.Have, Theirs: fork.Says})
		return false, nil
	case errors.As(err, &newer):
		l.freeze(err.Error())
		return false, nil
	}
	reason := fmt.Sprintf("an entry that the mesh plugin brings is refused: %v", err)
	l.once("refused "+err.Error(), reason)
	return false, err
}

// hashAt returns the hash of the entry of a height, of those that are on disk or wait for it.
func (l *Log) hashAt(height uint64) (cluster.Hash, error) {
	if height == l.state.Height() {
		return l.state.Head(), nil
	}
	onDisk := l.state.Height() - uint64(len(l.unwritten))
	if height > onDisk {
		return cluster.HashOf(l.unwritten[height-onDisk-1].GetLogged()), nil
	}
	e, err := l.record.entry(height)
	if err != nil {
		return cluster.Hash{}, err
	}
	return cluster.HashOf(e), nil
}

// write writes what was folded to disk. After an error nothing of it is done; it is written
// when the next entry comes, or Run looks.
func (l *Log) write() error {
	l.mu.Lock()
	entries, outcomes := l.unwritten, l.waitsDisk
	first := l.state.Height() - uint64(len(entries)) + 1
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
	l.unwritten, l.waitsDisk = nil, nil
	l.mu.Unlock()
	l.undeliver = append(l.undeliver, outcomes...)
	return nil
}

// deliver hands what is on disk to the loop, and to those who wait for it.
func (l *Log) deliver(ctx context.Context) error {
	for len(l.undeliver) > 0 {
		next := l.undeliver[0]
		record, err := l.parts.Fold(ctx, l.input(next.out, l.opts.Now()))
		if err != nil {
			return fmt.Errorf("the entry at height %d is recorded and not folded yet: %w", next.out.Place.Height, err)
		}
		l.undeliver = l.undeliver[1:]
		l.folded(next, record)
	}
	return nil
}

// folded notes that an entry was folded here.
func (l *Log) folded(t taken, record mesh.AuditRecord) {
	out := t.out
	l.mu.Lock()
	if out.Members {
		l.setMembers()
		if _, is := l.state.Member(l.opts.Node); is && l.joining != nil {
			l.joining = nil
			removeJoining(l.opts.DataDir)
		}
	}
	l.known = max(l.known, out.Place.Height)
	if id := string(out.Order.CommitID); id != "" && record.Outcome.Verdict != mesh.VerdictRejected {
		l.remember(id, record)
	}
	l.answer(t, record)
	close(l.moved)
	l.moved = make(chan struct{})
	l.mu.Unlock()
	if out.Signers {
		l.commanded()
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
