package view

import (
	"encoding/hex"
	"testing"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/internal/golden"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestABlastRadiusIsRed(t *testing.T) {
	hash, err := hex.DecodeString("665d623b994907129c51a2d6be8092340793ed435abd7157b4457cd9bc2f7b29")
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/blast-color.txt", Printer{Color: true}.BlastRadius(&meshosv1.BlastRadius{
		AffectedNodes: []uint64{2, 3}, AffectedReplicas: []uint64{7}, AffectedDaemons: []*meshosv1.DaemonRef{{Id: 1, Name: "demo"}},
		EstimatedDrainDelay: durationpb.New(600e9), PlacementStabilityDelta: 0.15,
		Warnings: []*meshosv1.BlastRadius_Warning{{Kind: "it_is_dangerous", Detail: "somebody may notice\x1b[2J"}},
	}, hash))
}
