package records_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestOperator091_CHN29_CHN30_ARecordIsReadBackAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoop()
		r, stop := followIn(t, l, records.Options{Dir: t.TempDir()})
		defer stop()
		wall := time.Date(2026, 3, 1, 12, 0, 0, 7, time.UTC)
		audit := mesh.AuditRecord{
			Seq: 1, Wall: wall, Event: mesh.FreezeCluster{TTL: time.Minute}, CommitID: []byte("id"),
			Operators: []mesh.Operator{{KeyID: "SHA256:x", Name: "alice", Verified: true}},
			Outcome:   mesh.Verification{Verdict: mesh.VerdictRejected, Kind: "replayed", Message: "twice"},
		}
		line := mesh.LogRecord{Seq: 1, Wall: wall, Level: mesh.LevelError, Daemon: 9, Message: "broken"}
		failure := mesh.FailureRecord{Seq: 1, Wall: wall, Source: "action:17", Reason: "no actuator"}
		l.mu.Lock()
		l.snap.Audit, l.snap.Logs, l.snap.Failures = []mesh.AuditRecord{audit}, []mesh.LogRecord{line}, []mesh.FailureRecord{failure}
		from := wire.Origin{Node: l.snap.Node, Epoch: l.snap.Epoch}
		l.mu.Unlock()
		l.publish()
		synctest.Wait()
		for c, want := range map[mesh.RecordChain]*meshosv1.Record{
			mesh.ChainAudit:   {Kind: &meshosv1.Record_Audit{Audit: from.Audit(audit, false)}},
			mesh.ChainLog:     {Kind: &meshosv1.Record_Log{Log: from.Log(line, false)}},
			mesh.ChainFailure: {Kind: &meshosv1.Record_Failure{Failure: from.Failure(failure, false)}},
		} {
			var got []*meshosv1.Record
			err := r.Read(t.Context(), c, mesh.RecordPosition{}, func(bool) error { return nil }, func(record *meshosv1.Record) error {
				got = append(got, record)
				return nil
			})
			if diff := cmp.Diff([]*meshosv1.Record{want}, got, protocmp.Transform()); err != nil || diff != "" {
				t.Errorf("%s: %v, -want +got:\n%s", c, err, diff)
			}
		}
	})
}
