package intake

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/snapshottest"
)

// slowMesh answers after a while.
type slowMesh struct {
	after  time.Duration
	record mesh.AuditRecord
	err    error
}

func (slowMesh) Active() bool { return true }

func (m slowMesh) Commit(context.Context, wire.Signed) (mesh.AuditRecord, error) {
	time.Sleep(m.after)
	return m.record, m.err
}

func (slowMesh) Recover(context.Context, wire.Recovery) (mesh.AuditRecord, error) {
	return mesh.AuditRecord{}, errors.New("nothing is lost")
}

func (m slowMesh) Unsigned(context.Context, mesh.AdminReceived) (mesh.AuditRecord, error) {
	time.Sleep(m.after)
	return m.record, m.err
}

func TestWhatTheMeshAnswersCountsAlsoAfterTheCallersTime(t *testing.T) {
	lost := errors.New("nobody knows")
	for name, tc := range map[string]struct {
		mesh  slowMesh
		loop  error
		taken int
		kind  string
		seq   uint64
		err   error
	}{
		"taken":                            {mesh: slowMesh{record: mesh.AuditRecord{Seq: 7}}, taken: 1, seq: 7},
		"refused":                          {mesh: slowMesh{err: rules.Reject("mesh_busy", "others")}, kind: "mesh_busy", seq: 1},
		"refused, and it can't be audited": {mesh: slowMesh{err: rules.Reject("mesh_busy", "others")}, loop: errors.New("it has ended"), kind: "mesh_busy"},
		"unknown":                          {mesh: slowMesh{err: lost}, err: lost},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tc.mesh.after = 9 * time.Second
				board := snapshottest.New(&snapshot.Snapshot{})
				l := &ledger{err: tc.loop}
				in := New(Options{Loop: l, Authorizer: l, Records: board, Node: 1, Mesh: tc.mesh})
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				got, err := in.Client(API()).PublishBatch(ctx, []mesh.Event{mesh.AdminReceived{Event: mesh.Cordon{Node: 1}}})
				if !errors.Is(err, tc.err) || got.Taken != tc.taken || (got.Record != nil) != (tc.seq != 0) {
					t.Fatalf("%+v, %v", got, err)
				}
				if got.Record != nil && got.Record.Seq != tc.seq {
					t.Errorf("record %d, want %d", got.Record.Seq, tc.seq)
				}
				if refused := got.Refused; (tc.kind != "") != (len(refused) == 1) || len(refused) == 1 && refused[0].Verdict.Kind != tc.kind {
					t.Errorf("refused %v, want %q", refused, tc.kind)
				}
			})
		})
	}
}
