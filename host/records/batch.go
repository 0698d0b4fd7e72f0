package records

import (
	"errors"
	"fmt"
	"io"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	// maxRecords and maxBytes bound a batch; one large record may go alone.
	maxRecords = 256
	maxBytes   = 1 << 20
	// maxRecord is the largest record that fits a call of 4 MiB.
	maxRecord = 4<<20 - 64<<10
	// framing is what a message needs for each record beside its bytes, at most.
	framing = 8
)

// batch is what is sent to an appender in one call.
type batch struct {
	records []*meshosv1.Record
	size    int
	through perChain[cursor] // where the cursors are once the appender holds it
}

// chainReader reads one chain for one appender.
type chainReader struct {
	in *durable.Reader
	// ahead is the record that was read and is in no batch yet; size and at are its own.
	ahead *meshosv1.Record
	size  int
	at    cursor

	unreadable func(err error) // called for what can't be read
	dropped    func(n uint64)  // called with the number of records that are not kept any more
}

// fill adds records to a batch, and reports whether the batch is full.
func (r *chainReader) fill(b *batch, c mesh.RecordChain) (full bool) {
	for {
		if len(b.records) == maxRecords || r.ahead == nil && !r.next(b, c) {
			return len(b.records) == maxRecords
		}
		if len(b.records) > 0 && b.size+r.size > maxBytes {
			return true
		}
		b.records = append(b.records, r.ahead)
		b.size += r.size
		b.through[c] = r.at
		r.ahead = nil
	}
}

// next reads the next record into ahead, skips gaps and what can't be read, and reports
// whether there is one.
func (r *chainReader) next(b *batch, c mesh.RecordChain) bool {
	for {
		e, number, err := r.in.Next()
		var dropped *durable.DroppedError
		switch {
		case errors.Is(err, io.EOF):
			return false
		case errors.As(err, &dropped):
			r.dropped(dropped.Last - dropped.First + 1)
			continue
		case err != nil:
			r.unreadable(err)
			var damaged *segment.DamageError
			if !errors.As(err, &damaged) {
				return false
			}
			continue
		}
		at := cursor{Number: number, Epoch: e.Epoch, Seq: e.Seq}
		if e.Kind == segment.KindGap {
			b.through[c] = at
			continue
		}
		record, err := Decode(c.String(), e)
		if err != nil {
			r.unreadable(fmt.Errorf("%s record %d: %w", c, number, err))
			b.through[c] = at
			continue
		}
		r.ahead, r.size, r.at = record, len(e.Data)+framing, at
		return true
	}
}
