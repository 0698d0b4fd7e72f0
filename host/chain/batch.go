package chain

import (
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
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
	records  []*meshosv1.Record
	through  marks // where the cursors are once the appender holds it
	overrun  marks // records that had left their ring already
	tooLarge marks // records that no call can carry
}

// collect takes the records above the cursors, as many as a batch may hold.
func collect(s *snapshot.Snapshot, chains []mesh.RecordChain, from marks) batch {
	b := batch{through: from}
	size := 0
	for _, c := range chains {
		r := ringOf(s, c)
		for i := r.after(from[c]); i < r.len; i++ {
			if len(b.records) == maxRecords {
				return b
			}
			record := r.record(i)
			n := proto.Size(record) + framing
			if len(b.records) > 0 && size+n > maxBytes && n <= maxRecord {
				return b
			}
			seq := r.seq(i)
			b.overrun[c] += seq - b.through[c] - 1
			b.through[c] = seq
			if n > maxRecord {
				b.tooLarge[c]++
				continue
			}
			b.records = append(b.records, record)
			size += n
		}
	}
	return b
}
