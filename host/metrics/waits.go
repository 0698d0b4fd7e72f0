package metrics

import (
	"sync"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// maxMarks bounds how finely it is known since when the records of a chain wait.
const maxMarks = 256

// waits remembers when records were made, by the process's own clock: a wall clock that is
// set makes no record old.
type waits struct {
	mu    sync.Mutex
	marks [mesh.ChainAction + 1][]mark
}

// mark is when the records through a seq, and above the mark before, were first seen.
type mark struct {
	through uint64
	at      time.Time
}

// see notes the newest records of a snapshot, and forgets those that wait for nothing more.
func (w *waits) see(snap *snapshot.Snapshot, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range ringsOf(snap) {
		marks := w.marks[r.chain]
		if newest := r.newest(); newest > r.acknowledged && (len(marks) == 0 || newest > marks[len(marks)-1].through) {
			marks = append(marks, mark{newest, now})
		}
		for len(marks) > 0 && marks[0].through <= r.acknowledged {
			marks = marks[1:]
		}
		if len(marks) > maxMarks {
			marks = thinned(marks)
		}
		w.marks[r.chain] = marks
	}
}

// thinned joins each two marks but the last, which are then as old as the older one.
func thinned(marks []mark) []mark {
	var out []mark
	for i := 0; i+1 < len(marks); i += 2 {
		out = append(out, mark{marks[i+1].through, marks[i].at})
	}
	if len(marks)%2 == 1 {
		out = append(out, marks[len(marks)-1])
	}
	return out
}

// oldest returns how long the oldest record above a seq has waited; 0 for none.
func (w *waits) oldest(c mesh.RecordChain, above uint64, now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.marks[c] {
		if m.through > above {
			return now.Sub(m.at)
		}
	}
	return 0
}

// ring is what is known of a chain's records in memory.
type ring struct {
	chain        mesh.RecordChain
	len          int
	seq          func(i int) uint64
	acknowledged uint64
}

func ringsOf(snap *snapshot.Snapshot) []ring {
	acked := snap.Acknowledged
	return []ring{
		{mesh.ChainAudit, len(snap.Audit), func(i int) uint64 { return snap.Audit[i].Seq }, acked.Audit},
		{mesh.ChainLog, len(snap.Logs), func(i int) uint64 { return snap.Logs[i].Seq }, acked.Log},
		{mesh.ChainFailure, len(snap.Failures), func(i int) uint64 { return snap.Failures[i].Seq }, acked.Failure},
		{mesh.ChainAction, len(snap.Actions), func(i int) uint64 { return snap.Actions[i].Seq }, acked.Action},
	}
}

// newest returns the seq of the newest record, 0 for none.
func (r ring) newest() uint64 {
	if r.len == 0 {
		return 0
	}
	return r.seq(r.len - 1)
}

// above returns how many records of the ring are above a seq, and how many are no longer in
// it though they were made after it.
func (r ring) above(seq uint64) (there, gone uint64) {
	for there < uint64(r.len) && r.seq(r.len-1-int(there)) > seq {
		there++
	}
	if made := r.newest() - min(seq, r.newest()); made > there {
		gone = made - there
	}
	return there, gone
}
