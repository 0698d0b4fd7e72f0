package records

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	// refusalShare is the part of AuditLimit that records of refusals may use.
	refusalShare = 10
	// frame is about what a record needs on disk beside its bytes.
	frame = 64
)

// refusals counts the bytes of the audit records of what was refused, so that whoever is
// refused again and again can't use up the audit log.
type refusals struct {
	bytes   atomic.Int64
	counted atomic.Bool // those of earlier runs are in bytes
}

func (r *refusals) add(bytes int64) { r.bytes.Add(bytes) }

// most returns how many of the audit chain's bytes are refusals: as many as there may be,
// until they are counted.
func (r *refusals) most(limit int64) int64 {
	if r.counted.Load() {
		return r.bytes.Load()
	}
	return limit / refusalShare
}

// RefusalRoom reports whether the audit log takes one more record of what was refused.
// While the records of earlier runs are counted, it does not.
func (r *Records) RefusalRoom() bool {
	return r.opts.AuditLimit <= 0 ||
		r.refusals.counted.Load() && r.refusals.bytes.Load() < r.opts.AuditLimit/refusalShare
}

// count counts the refusals that are on disk from earlier runs, which are the entries
// before number next, until ctx ends. What is damaged is left out.
func (r *refusals) count(ctx context.Context, log *durable.Log, next uint64) {
	in := log.Read(1)
	defer in.Close()
	for ctx.Err() == nil {
		e, number, err := in.Next()
		var dropped *durable.DroppedError
		var damaged *segment.DamageError
		switch {
		case err == nil && number < next:
			if isRefusal(e) {
				r.add(int64(len(e.Data)) + frame)
			}
		case err == nil, errors.Is(err, io.EOF):
			r.counted.Store(true)
			return
		case errors.As(err, &dropped), errors.As(err, &damaged): // goes on behind it
		default:
			pause := time.NewTimer(time.Second)
			wait(ctx, nil, pause.C)
			pause.Stop()
		}
	}
}

// isRefusal reports whether an entry of the audit chain is the record of a refusal.
func isRefusal(e segment.Entry) bool {
	var record meshosv1.Record
	return e.Kind == segment.KindRecord && proto.Unmarshal(e.Data, &record) == nil && record.GetAudit().GetRefusal() != nil
}
