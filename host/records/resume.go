package records

import (
	"errors"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/durable"
)

// saveEvery is how far apart the savings of an appender's cursors are at least. After a node
// was killed, its appenders get again, and skip, what they got since.
const saveEvery = 20 * time.Second

// witnessEvery is the same for the witness of the cursors, which may be behind.
const witnessEvery = 60 * time.Second

// resume opens the logs where the appender's cursors are. A cursor that does not fit its log
// any more starts over: the appender recognizes what comes twice by epoch and seq.
func (f *follower) resume() {
	kept, err := f.file.load()
	witnessed, unseen := f.witness.load()
	if unseen != nil { // it only tells of what is lost
		f.log.Warn("what an appender was given can't be read", "appender", f.name, "error", unseen)
	}
	var cursors perChain[cursor]
	for _, c := range f.chains {
		cursors[c], f.moved[c] = kept[c].cursor, kept[c].At
	}
	f.savedCursors = cursors
	if err != nil {
		f.queueReport(fmt.Sprintf("%s is sent all records that are kept once more: %v", f.name, err))
	}
	for _, c := range f.chains {
		if !f.fits(c, cursors[c]) {
			f.queueReport(f.misfit(c, cursors[c], f.moved[c]))
			cursors[c] = cursor{}
		} else if seen := witnessed[c]; !f.fits(c, seen.cursor) {
			f.queueReport(f.older(c, seen.cursor, seen.At))
		}
		f.cursors[c] = cursors[c]
		f.number[c].Store(cursors[c].Number)
		f.readers[c] = &chainReader{
			in: f.logs[c].Read(cursors[c].Number + 1),
			dropped: func(n uint64) {
				if f.cursors[c].Number > 0 { // else it never held the oldest ones, and does not miss them
					f.losses[c].overrun += n
				}
			},
			unreadable: func(err error) {
				f.queueReport(fmt.Sprintf("%s does not get all %s records: %v", f.name, c, err))
			},
		}
	}
}

// misfit describes a cursor that is not in the log.
func (f *follower) misfit(c mesh.RecordChain, at cursor, since time.Time) string {
	return fmt.Sprintf("%s is sent all %s records that are kept once more: ", f.name, c) + f.older(c, at, since)
}

// older describes what an appender holds and the log does not.
func (f *follower) older(c mesh.RecordChain, at cursor, since time.Time) string {
	last := f.logs[c].Next() - 1
	if at.Number <= last {
		return fmt.Sprintf("%s holds number %d (seq %d of epoch %016x), which is another one in the node's log of %s records", f.name, at.Number, at.Seq, at.Epoch, c)
	}
	when := ""
	if !since.IsZero() {
		when = " since " + since.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("the node's log of %s records ends with number %d, but %s holds number %d (seq %d of epoch %016x)%s: "+
		"%d records that it holds are missing in the log. Its folder was restored from an older copy, or its end was cut off; the appender has what is missing",
		c, last, f.name, at.Number, at.Seq, at.Epoch, when, at.Number-last)
}

// fits reports whether a cursor is at an entry of the log, or before the oldest one that is
// kept.
func (f *follower) fits(c mesh.RecordChain, at cursor) bool {
	if at.Number == 0 {
		return true
	}
	in := f.logs[c].Read(at.Number)
	defer in.Close()
	e, number, err := in.Next()
	var dropped *durable.DroppedError
	if errors.As(err, &dropped) {
		return true
	}
	return err == nil && number == at.Number && e.Epoch == at.Epoch && e.Seq == at.Seq
}

// saveCursors saves the cursors if they moved, not more often than saveEvery unless it is
// forced to: a batch that comes twice does no harm.
func (f *follower) saveCursors(force bool) {
	if f.savedCursors == f.cursors && !(force && f.witnessedAt.Before(f.savedAt)) || !force && f.saveIn() > 0 {
		return
	}
	f.savedAt = time.Now()
	if err := f.file.save(f.toStore(), f.chains); err != nil {
		if f.saveFailedAt.IsZero() || f.savedAt.Sub(f.saveFailedAt) >= reportEvery { // it is tried every second
			f.saveFailedAt = f.savedAt
			f.log.Warn("an appender's cursors were not saved; it may get records twice after a restart", "appender", f.name, "error", err)
		}
		return
	}
	f.savedCursors, f.saveFailedAt = f.cursors, time.Time{}
	if force || f.savedAt.Sub(f.witnessedAt) >= witnessEvery {
		f.witnessedAt = f.savedAt
		if err := f.witness.save(f.toStore(), f.chains); err != nil {
			f.log.Debug("what an appender was given was not noted", "appender", f.name, "error", err)
		}
	}
}

// toStore returns the cursors with the times when they moved.
func (f *follower) toStore() (out perChain[stored]) {
	for _, c := range f.chains {
		out[c] = stored{cursor: f.cursors[c], At: f.moved[c]}
	}
	return out
}

// saveIn returns how long cursors that moved still wait to be saved.
func (f *follower) saveIn() time.Duration { return saveEvery - time.Since(f.savedAt) }
