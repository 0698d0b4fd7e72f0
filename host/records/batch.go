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
	// maxRecord is what still fits a call of at most 4 MiB.
	maxRecord = 4<<20 - 64<<10
	// framing is what a record takes in a message beside itself, at most.
	framing = 8
)

// batch is what goes to an appender in one call.
type batch struct {
	records []*meshosv1.Record
	size    int
	through [len(marks{})]place // where the cursors are once the appender holds it
}

// supply reads one chain for one appender.
type supply struct {
	in *durable.Reader
	// ahead is an entry that did not fit the last batch.
	ahead  *meshosv1.Record
	size   int
	at     place
	broken func(err error) // hears of what can't be read
	gone   func(n uint64)  // hears of what is not kept any more
}

// fill takes records into a batch until it is full, and says whether it is.
func (s *supply) fill(b *batch, c mesh.RecordChain) (full bool) {
	for {
		if len(b.records) == maxRecords || s.ahead == nil && !s.next(b, c) {
			return len(b.records) == maxRecords
		}
		if len(b.records) > 0 && b.size+s.size > maxBytes {
			return true
		}
		b.records = append(b.records, s.ahead)
		b.size += s.size
		b.through[c] = s.at
		s.ahead = nil
	}
}

// next reads the next record, and passes gaps and what can't be read.
func (s *supply) next(b *batch, c mesh.RecordChain) bool {
	for {
		e, number, err := s.in.Next()
		var dropped *durable.DroppedError
		switch {
		case errors.Is(err, io.EOF):
			return false
		case errors.As(err, &dropped):
			s.gone(dropped.Last - dropped.First + 1)
			continue
		case err != nil:
			s.broken(err)
			var damaged *segment.DamageError
			if !errors.As(err, &damaged) {
				return false
			}
			continue
		}
		at := place{Number: number, Epoch: e.Epoch, Seq: e.Seq}
		if e.Kind == segment.KindGap {
			b.through[c] = at
			continue
		}
		record, err := Decode(c.String(), e)
		if err != nil {
			s.broken(fmt.Errorf("%s record %d: %w", c, number, err))
			b.through[c] = at
			continue
		}
		s.ahead, s.size, s.at = record, len(e.Data)+framing, at
		return true
	}
}
