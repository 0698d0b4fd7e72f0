package main

import (
	"testing"
	"time"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// A change of the operators' keys is an audit record between those of commands, but has no
// signature.
func TestChangesOfSignersAreShownAndHaveNoSignatures(t *testing.T) {
	record := wire.Origin{Node: 1, Epoch: 7}.Audit(mesh.AuditRecord{
		Seq: 3, Wall: time.Date(2026, 1, 2, 12, 0, 3, 0, time.UTC),
		SignerChange: &mesh.SignerChange{Name: "ana", Old: "SHA256:x", New: "SHA256:y", Text: "operator ana: key SHA256:x replaced by SHA256:y"},
	}, true)
	want := "2026-01-02 12:00:03.000 #3 signers    operator ana: key SHA256:x replaced by SHA256:y (not durable)\n"
	if got := (view.Printer{}).AuditRecord(record); got != want {
		t.Errorf("shows %q, want %q", got, want)
	}
	check := &signatureCheck{}
	if err := check.see(&meshosv1.Record{Kind: &meshosv1.Record_Audit{Audit: record}}); err != nil || check.verified+check.unsigned+len(check.bad) != 0 {
		t.Errorf("%v, checked as a command: %+v", err, check)
	}
}
