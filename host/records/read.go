package records

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Read calls visit with the records on disk behind a position, in order, until none is left;
// it does not wait for more. Before that it calls known with whether the position's epoch is
// still kept; if not, the oldest record comes first. ChainPending is set as it is now. Lost
// records are left out, which their seqs show; so is what is damaged, which the node has
// reported.
//
// Read ends with ctx, and with the first error of known or visit.
func (r *Records) Read(
	ctx context.Context, c mesh.RecordChain, from mesh.RecordPosition, known func(bool) error, visit func(*meshosv1.Record) error,
) error {
	number, found, err := uint64(1), true, error(nil)
	if from.Epoch != 0 {
		if number, found, err = r.logs[c].After(from.Epoch, from.Seq); err != nil {
			return fmt.Errorf("read %s records: %w", c, err)
		}
	}
	if !from.Since.IsZero() {
		number = max(number, r.logs[c].Since(from.Since))
	}
	number = max(number, from.From)
	if err := known(found); err != nil {
		return err
	}
	in := r.logs[c].Read(number)
	defer in.Close()
	for ctx.Err() == nil {
		e, number, err := in.Next()
		var dropped *durable.DroppedError
		var damaged *segment.DamageError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &dropped) || errors.As(err, &damaged):
			continue
		case err != nil:
			return fmt.Errorf("read %s records: %w", c, err)
		case e.Kind == segment.KindGap || e.Wall.Before(from.Since):
			continue
		}
		record, err := Decode(c.String(), e)
		if err != nil {
			return fmt.Errorf("read %s record %d: %w", c, number, err)
		}
		setPending(record, r.pending(c, number))
		if err := visit(record); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// setPending sets whether a record is pending, if records of its kind show that.
func setPending(record *meshosv1.Record, pending bool) {
	switch k := record.GetKind().(type) {
	case *meshosv1.Record_Audit:
		k.Audit.ChainPending = pending
	case *meshosv1.Record_Log:
		k.Log.ChainPending = pending
	case *meshosv1.Record_Failure:
		k.Failure.ChainPending = pending
	}
}
