package host

import (
	"crypto/sha256"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestASignedCommandIsNeverTakenForProven(t *testing.T) {
	payload, err := proto.Marshal(&meshosv1.AdminCommand{Event: &meshosv1.AdminEvent{
		Kind: &meshosv1.AdminEvent_Cordon{Cordon: &meshosv1.NodeTarget{Node: 5}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	signed := wire.Signed{Payload: payload, Signatures: [][]byte{{1}}}
	got, err := judge(signed, false)
	if err != nil || got.Outcome.Verdict != mesh.VerdictUnverified || got.Event != (mesh.Cordon{Node: 5}) {
		t.Errorf("without operators: %+v %v", got, err)
	}
	if id := sha256.Sum256(payload); string(got.CommitID) != string(id[:]) {
		t.Errorf("commit id %x", got.CommitID)
	}
	got, err = judge(signed, true)
	if err != nil || got.Outcome.Verdict != mesh.VerdictRejected || got.Outcome.Kind != "not_authorized" {
		t.Errorf("with operators: %+v %v", got, err)
	}
	if _, err := judge(wire.Signed{Payload: []byte("\xff")}, false); err == nil {
		t.Error("garbage was taken for a command")
	}
	if _, err := judge(wire.Signed{}, false); err == nil {
		t.Error("a command without an event was taken")
	}
}
