package meshlog

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
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

// record is the record on disk: a chain of files of encoded RecordedEntries.
type record struct {
	dir     string
	chain   *durable.Log
	numbers []uint64 // of the entries in the files, by height - 1
}

func openRecord(fs disk.FS, now func() time.Time) (*record, error) {
	chain, err := durable.Open(durable.Options{FS: fs, Chain: chainName, SegmentSize: fileSize, Now: now})
	if err != nil {
		return nil, err
	}
	return &record{dir: fs.Dir(), chain: chain}, nil
}

// read folds the record into a state, and calls each with what the entries led to and when
// they were recorded. What does not continue the log is passed over: an entry that was recorded
// again after damage comes later. notes says what was found wrong.
func (r *record) read(s *cluster.State, each func(cluster.Outcome, time.Time)) (notes []string, err error) {
	for _, f := range r.chain.TakeFindings() {
		notes = append(notes, f.Text)
	}
	in := r.chain.Read(1)
	defer in.Close()
	skipped := 0
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
		r.numbers = append(r.numbers, number)
		each(s.Fold(c), e.Wall)
	}
}

// append writes entries that follow the end, and returns once they are on disk.
func (r *record) append(entries []*meshosv1.RecordedEntry, height uint64, now time.Time) error {
	raw := make([]segment.Entry, 0, len(entries))
	for i, e := range entries {
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode an entry of the log: %w", err)
		}
		raw = append(raw, segment.Entry{Kind: segment.KindRecord, Epoch: 1, Seq: height + uint64(i), Wall: now, Data: data})
	}
	number := r.chain.Next()
	if err := r.chain.Append(raw); err != nil {
		return err
	}
	if err := r.chain.Sync(); err != nil {
		return err
	}
	for i := range raw {
		r.numbers = append(r.numbers, number+uint64(i))
	}
	return nil
}

// entry returns the entry of a height.
func (r *record) entry(height uint64) (*meshosv1.LoggedEntry, error) {
	if height == 0 || height > uint64(len(r.numbers)) {
		return nil, fmt.Errorf("the record has no entry of height %d", height)
	}
	in := r.chain.Read(r.numbers[height-1])
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
