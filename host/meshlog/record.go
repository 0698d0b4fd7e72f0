package meshlog

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/nodekey"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	chainName = "mesh"
	fileSize  = 4 << 20
)

// Dir returns the folder of the record in a data directory.
func Dir(dataDir string) string { return filepath.Join(nodekey.Dir(dataDir), "log") }

// record is the record on disk: a chain of files of encoded RecordedEntries, and beside them the
// base from which the log goes on, if there is a checkpoint. Some of what is before the base may
// still be there.
type record struct {
	dir   string
	chain *durable.Log

	epoch, last uint64 // of the newest entry in the files: what is recorded again begins another epoch

	mu      sync.Mutex
	first   uint64   // height of the first entry of numbers
	numbers []uint64 // of the entries in the files, by height - first
}

func openRecord(fs disk.FS, now func() time.Time, size int64) (*record, error) {
	chain, err := durable.Open(durable.Options{FS: fs, Chain: chainName, SegmentSize: cmp.Or(size, fileSize), Now: now})
	if err != nil {
		return nil, err
	}
	return &record{dir: fs.Dir(), chain: chain, epoch: 1, first: 1}, nil
}

// place notes the number of an entry. What was noted of that height and those above is over.
func (r *record) place(height, number uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if height < r.first || height > r.first+uint64(len(r.numbers)) {
		r.first, r.numbers = height, nil
	}
	r.numbers = append(r.numbers[:height-r.first], number)
}

// numberOf returns the number of an entry, if the record has it.
func (r *record) numberOf(height uint64) (uint64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if height < r.first || height >= r.first+uint64(len(r.numbers)) {
		return 0, false
	}
	return r.numbers[height-r.first], true
}

// begin returns the height of the first entry, or that of the next one if there is none.
func (r *record) begin() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// beginAt has the record begin at a height that comes next.
func (r *record) beginAt(height uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.first, r.numbers = height, nil
}

// read folds the record into a state, which may be that of the base, and calls each with what the
// entries led to and when they were recorded. What does not continue the log is passed over: an entry that was recorded
// again after damage comes later. notes says what was found wrong.
func (r *record) read(s *cluster.State, each func(cluster.Outcome, time.Time)) (notes []string, err error) {
	for _, f := range r.chain.TakeFindings() {
		notes = append(notes, f.Text)
	}
	skipped, base, head := 0, s.Height(), s.Head()
	begin := uint64(1)
	if base > 0 { // what is not there was dropped
		begin = r.chain.Oldest()
	}
	in := r.chain.Read(begin)
	defer in.Close()
	defer func() { r.joinBase(base, head) }()
	for {
		e, number, err := in.Next()
		var dropped *durable.DroppedError
		var damaged *segment.DamageError
		switch {
		case errors.Is(err, io.EOF):
			if skipped > 0 {
				notes = append(notes, fmt.Sprintf("%d entries behind height %d do not continue the log; they are fetched from the mesh again", skipped, s.Height()))
			}
			return notes, nil
		case errors.As(err, &dropped), errors.As(err, &damaged):
			notes = append(notes, fmt.Sprintf("entries are lost, and fetched from the mesh again: %v", err))
			continue
		case err != nil:
			return notes, err
		}
		r.epoch, r.last = e.Epoch, e.Seq
		if e.Kind == segment.KindGap {
			continue
		}
		if e.Seq <= base {
			r.place(e.Seq, number)
			continue
		}
		var recorded meshosv1.RecordedEntry
		if err := proto.Unmarshal(e.Data, &recorded); err != nil {
			skipped++
			continue
		}
		c, err := s.Recorded(&recorded)
		var gap *cluster.GapError
		var newer *cluster.NewerError
		switch {
		case errors.As(err, &newer):
			return notes, fmt.Errorf("%w, or move %s away to fetch the log from the mesh anew", err, r.dir)
		case errors.As(err, &gap) && gap.Got <= gap.Have:
			continue
		case err != nil:
			skipped++
			continue
		}
		skipped = 0
		r.place(c.Height(), number)
		each(s.Fold(c), e.Wall)
	}
}

// joinBase forgets the entries up to the base unless they are the log that leads to it.
func (r *record) joinBase(base uint64, head cluster.Hash) {
	if base == 0 || r.begin() > base {
		r.mu.Lock()
		defer r.mu.Unlock()
		if base > 0 && len(r.numbers) == 0 {
			r.first = base + 1
		}
		return
	}
	if e, err := r.entry(base); err == nil && cluster.HashOf(e) == head {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.numbers = r.numbers[min(uint64(len(r.numbers)), base+1-r.first):]
	r.first = base + 1
}

// append writes entries that follow the end, and returns once they are on disk.
func (r *record) append(entries []*meshosv1.RecordedEntry, height uint64, now time.Time) error {
	raw := r.gap(height, now)
	marks := uint64(len(raw))
	for i, e := range entries {
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode an entry of the log: %w", err)
		}
		raw = append(raw, segment.Entry{Kind: segment.KindRecord, Epoch: r.epoch, Seq: height + uint64(i), Wall: now, Data: data})
	}
	number := r.chain.Next() + marks
	if err := r.chain.Append(raw); err != nil {
		return err
	}
	if err := r.chain.Sync(); err != nil {
		return err
	}
	for i := range entries {
		r.place(height+uint64(i), number+uint64(i))
		r.last = height + uint64(i)
	}
	return nil
}

// gap returns what marks that the next entry is not the one behind the newest: the record goes on
// from a checkpoint, or some of it is recorded again.
func (r *record) gap(height uint64, now time.Time) []segment.Entry {
	if height <= r.last {
		r.epoch, r.last = r.epoch+1, 0
	}
	if height == r.last+1 {
		return nil
	}
	return []segment.Entry{{Kind: segment.KindGap, Epoch: r.epoch, Seq: height - 1, Missing: height - 1 - r.last, Wall: now}}
}

// entry returns the entry of a height.
func (r *record) entry(height uint64) (*meshosv1.LoggedEntry, error) {
	number, has := r.numberOf(height)
	if !has {
		return nil, fmt.Errorf("the record has no entry of height %d", height)
	}
	in := r.chain.Read(number)
	defer in.Close()
	e, _, err := in.Next()
	if err != nil {
		return nil, fmt.Errorf("read the entry of height %d: %w", height, err)
	}
	var recorded meshosv1.RecordedEntry
	if err := proto.Unmarshal(e.Data, &recorded); err != nil || e.Seq != height {
		return nil, fmt.Errorf("the record is damaged at height %d", height)
	}
	return recorded.GetLogged(), nil
}
