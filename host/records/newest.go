package records

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// newestFirst is how many entries Newest reads at first; each further part is larger.
const newestFirst = 4096

// Newest returns the number, in a chain on disk, of the entry with which its newest n wanted
// records begin: a From for Read. If there are fewer, it is the number of the oldest entry.
// Newest reads from the end back, each entry once, and no further than it has to.
func (r *Records) Newest(ctx context.Context, c mesh.RecordChain, n int, wanted func(*meshosv1.Record) bool) (uint64, error) {
	log := r.logs[c]
	end, window := log.Next(), uint64(max(newestFirst, 2*n))
	if n <= 0 {
		return end, nil
	}
	for left := n; ; {
		oldest := log.Oldest()
		if end <= oldest {
			return oldest, nil
		}
		from := oldest
		if end-oldest > window {
			from = end - window
		}
		found, err := r.numbers(ctx, c, from, end, left, wanted)
		if err != nil {
			return 0, err
		}
		if left -= len(found); left <= 0 {
			return found[0], nil
		}
		end, window = from, 4*window
	}
}

// LastOutput returns how far the output of daemons is recorded, as far as the newest records say.
func (r *Records) LastOutput(ctx context.Context) (map[mesh.DaemonID]mesh.OutputPlace, error) {
	out := make(map[mesh.DaemonID]mesh.OutputPlace)
	from := mesh.RecordPosition{}
	if end := r.logs[mesh.ChainLog].Next(); end > newestFirst {
		from.From = end - newestFirst
	}
	err := r.Read(ctx, mesh.ChainLog, from, func(bool) error { return nil }, func(record *meshosv1.Record) error {
		if at := record.GetLog().GetOutput(); at != nil {
			out[mesh.DaemonID(record.GetLog().GetDaemonId())] = mesh.OutputPlace{Spool: at.GetSpool(), Segment: at.GetSegment(), Offset: at.GetOffset()}
		}
		return nil
	})
	return out, err
}

// numbers returns the numbers of the newest n wanted records among the entries from a number
// up to another one.
func (r *Records) numbers(
	ctx context.Context, c mesh.RecordChain, from, end uint64, n int, wanted func(*meshosv1.Record) bool,
) (found []uint64, err error) {
	in := r.logs[c].Read(from)
	defer in.Close()
	for ctx.Err() == nil {
		e, number, err := in.Next()
		var dropped *durable.DroppedError
		var damaged *segment.DamageError
		switch {
		case errors.Is(err, io.EOF):
			return last(found, n), nil
		case errors.As(err, &dropped) || errors.As(err, &damaged):
			continue
		case err != nil:
			return nil, fmt.Errorf("read %s records: %w", c, err)
		case number >= end:
			return last(found, n), nil
		case e.Kind == segment.KindGap:
			continue
		}
		record, err := Decode(c.String(), e)
		if err != nil {
			return nil, fmt.Errorf("read %s record %d: %w", c, number, err)
		}
		if wanted(record) {
			if found = append(found, number); len(found) > 2*n { // the oldest are not needed
				found = slices.Delete(found, 0, len(found)-n)
			}
		}
	}
	return nil, context.Cause(ctx)
}

func last[T any](list []T, n int) []T { return list[max(0, len(list)-n):] }
