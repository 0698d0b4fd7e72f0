package records

import (
	"errors"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/durable"
)

// resume opens the chains where the appender's cursors are. A cursor that does not
// fit the log any more starts over: what comes twice is told by epoch and seq.
func (f *follower) resume() {
	places, err := f.cursors.load()
	f.saved = places
	if err != nil {
		f.say(fmt.Sprintf("%s is sent all records that are kept once more: %v", f.name, err))
	}
	for _, c := range f.chains {
		if !f.fits(c, places[c]) {
			f.say(fmt.Sprintf("%s is sent all %s records that are kept once more: it holds number %d (seq %d of epoch %d), "+
				"which the node's log has not", f.name, c, places[c].Number, places[c].Seq, places[c].Epoch))
			places[c] = place{}
		}
		f.cursor[c] = places[c]
		f.number[c].Store(places[c].Number)
		f.supplies[c] = &supply{
			in: f.logs[c].Read(places[c].Number + 1),
			gone: func(n uint64) {
				if f.cursor[c].Number > 0 { // else nobody promised it the oldest ones
					f.missed[c].overrun += n
				}
			},
			broken: func(err error) { f.say(fmt.Sprintf("%s does not get all %s records: %v", f.name, c, err)) },
		}
	}
}

// fits says whether a cursor stands on an entry of the log, or before the oldest that
// is kept.
func (f *follower) fits(c mesh.RecordChain, at place) bool {
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

// say keeps something to be reported. It is in the node's log at once. The same thing
// is said once a minute at most: a disk that can't be read fails each time.
func (f *follower) say(text string) {
	now := time.Now()
	if text == f.lastSaid && now.Sub(f.lastSaidAt) < reportEvery {
		return
	}
	f.lastSaid, f.lastSaidAt = text, now
	f.log.Warn("an appender and the node's records differ", "appender", f.name, "what", text)
	f.said = append(f.said, text)
	f.said = f.said[max(0, len(f.said)-maxReports):]
}

// save keeps the cursors, not more often than they have to be: a batch that comes
// twice costs nothing.
func (f *follower) save(force bool) {
	if f.saved == f.cursor || !force && f.saveIn() > 0 {
		return
	}
	f.savedAt = time.Now()
	if err := f.cursors.save(f.cursor, f.chains); err != nil {
		if f.unsavedAt.IsZero() || f.savedAt.Sub(f.unsavedAt) >= reportEvery { // it is tried every second
			f.unsavedAt = f.savedAt
			f.log.Warn("an appender's cursors were not saved; it may get records twice after a restart", "appender", f.name, "error", err)
		}
		return
	}
	f.saved, f.unsavedAt = f.cursor, time.Time{}
}

// saveIn is how long cursors that moved still wait to be saved.
func (f *follower) saveIn() time.Duration { return saveEvery - time.Since(f.savedAt) }
