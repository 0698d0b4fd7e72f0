package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/meshlog"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newTokenNode(t *testing.T) (*operatorNode, *operatorShell, string) {
	t.Helper()
	j, d, dir := newOperatorNode(t, "")
	j.shows = func(*meshosv1.Snapshot, int) {}
	j.snapshot.Mesh = &meshosv1.MeshView{Height: 5, NextId: 4, ClusterId: "mesh-x", Founding: bytes.Repeat([]byte{7}, 32)}
	return j, d, dir
}

func TestATokenAsJSONIsOneDocument(t *testing.T) {
	j, d, _ := newTokenNode(t)
	d.must(t, "mesh token --seeds 10.0.0.1:7420 --seed --yes -o json")
	var said struct {
		Token, Node, Cluster string
		Seed                 bool
		Seeds                []string
		Record               struct{ Event json.RawMessage }
	}
	if err := json.Unmarshal([]byte(d.out.String()), &said); err != nil {
		t.Fatalf("%v: %s", err, d.out.String())
	}
	token, err := meshlog.ParseToken(said.Token)
	if err != nil || token.Node != 4 || !token.Seed || said.Node != "4" || !said.Seed || said.Cluster != "mesh-x" || len(said.Record.Event) == 0 {
		t.Errorf("%v: %+v", err, said)
	}
	if len(j.unsigned) != 1 || !strings.Contains(d.err.String(), "meshos mesh join --listen ADDR TOKEN") {
		t.Errorf("ordered %v; %s", j.unsigned, d.err.String())
	}
	d.must(t, "mesh token --seeds 10.0.0.1:7420 --yes")
	if _, err := meshlog.ParseToken(strings.TrimSpace(d.out.String())); err != nil {
		t.Errorf("standard output has more than the token: %v: %s", err, d.out.String())
	}
}

// Where several operators have to sign, the token is there before its order counts.
func TestATokenMayBeProposed(t *testing.T) {
	j, d, dir := newTokenNode(t)
	d.must(t, "mesh token --seeds 10.0.0.1:7420 --propose "+filepath.Join(dir, "token.cmd"))
	if _, err := meshlog.ParseToken(strings.TrimSpace(d.out.String())); err != nil || len(j.unsigned) > 0 {
		t.Errorf("%v: %s; ordered %v", err, d.out.String(), j.unsigned)
	}
	if !strings.Contains(d.err.String(), "good once the proposal is signed and committed") {
		t.Error(d.err.String())
	}
	d.must(t, "mesh token --seeds 10.0.0.1:7420 --dry-run")
	if strings.Contains(d.out.String()+d.err.String(), "meshos1.") || len(j.unsigned) > 0 {
		t.Errorf("a dry run makes a token: %s%s", d.out.String(), d.err.String())
	}
}

// What is about the mesh itself can't be ordered at the door of one node.
func TestWhatIsAboutTheMeshIsNotOrderedHere(t *testing.T) {
	j, d, _ := newTokenNode(t)
	for _, line := range []string{"mesh token", "ice expel-node 3", "ice set-signers file"} {
		if code := d.run(t.Context(), line+" --here --yes"); code != exitUsage || !strings.Contains(d.err.String(), "unknown flag: --here") {
			t.Errorf("%s: exit code %d: %s", line, code, d.err.String())
		}
	}
	if len(j.unsigned) > 0 {
		t.Errorf("ordered %v", j.unsigned)
	}
}
