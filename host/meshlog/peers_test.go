package meshlog

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
)

func TestMembersAreKeptInAFile(t *testing.T) {
	kept := Peers(t.TempDir())
	if got, err := kept.Recall(); got != nil || err != nil {
		t.Errorf("of a node that kept nothing: %v, %v", got, err)
	}
	want := []mesh.KeptMember{
		{ID: 2, Name: "bravo", Address: "10.0.0.2", Health: "http://10.0.0.2/healthz", Labels: []mesh.Label{{Key: "rack", Value: "r2"}}},
		{ID: 1<<64 - 1},
	}
	if err := kept.Keep(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := kept.Recall()
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v, %s", err, d)
	}
	if err := os.WriteFile(kept.path(), []byte("[{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Recall(); err == nil || !strings.Contains(err.Error(), kept.path()) {
		t.Errorf("a damaged file: %v", err)
	}
}
