package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// newMeshOperator returns a node of a mesh of alpha, beta and gamma, which shows of each of them
// that its drain is done at once, unless shows says something else.
func newMeshOperator(t *testing.T, shows func(s *meshosv1.Snapshot, commands int)) (*operatorNode, *operatorShell) {
	t.Helper()
	j, d, _ := newOperatorNode(t, "")
	j.snapshot.Info = &meshosv1.NodeInfo{Name: "alpha"}
	j.snapshot.Mesh = &meshosv1.MeshView{Height: 5}
	j.snapshot.Peers = []*meshosv1.PeerView{
		{Peer: 2, Name: "beta", Member: &meshosv1.MemberView{}},
		{Peer: 3, Name: "gamma", Member: &meshosv1.MemberView{}},
		{Peer: 4, Name: "delta"}, // no member
	}
	j.shows = func(s *meshosv1.Snapshot, commands int) {
		s.LocalMaintenance = &meshosv1.MaintenanceView{
			Phase: meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE, Cordoned: commands > 0,
		}
		if shows != nil {
			shows(s, commands)
		}
	}
	return j, d
}

// steps returns what a series said of each node with -o json.
func steps(t *testing.T, out string) (list []drainedJSON) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var s drainedJSON
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, s)
	}
	return list
}

func drainsOf(j *operatorNode) (nodes []uint64) {
	for _, e := range j.unsigned {
		nodes = append(nodes, e.GetDrain().GetNode())
	}
	return nodes
}

func TestNodesAreDrainedOneByOne(t *testing.T) {
	j, d := newMeshOperator(t, nil)
	d.must(t, "admin drain --nodes gamma,2,alpha --one-by-one --yes --within 7m -m update")
	if got := drainsOf(j); !slices.Equal(got, []uint64{3, 2, 1}) {
		t.Errorf("drained %v", got)
	}
	if got := j.unsigned[1].GetDrain().GetDrainFor().AsDuration().String(); got != "7m0s" {
		t.Errorf("within %s", got)
	}
	for _, line := range []string{"1/3 gamma: drained after", "2/3 beta: drained after", "3/3 alpha: drained after"} {
		if !strings.Contains(d.out.String(), line) {
			t.Errorf("%q is not in\n%s", line, d.out.String())
		}
	}
	d.must(t, "admin drain --nodes beta,gamma --one-by-one --yes -o json")
	if got := steps(t, d.out.String()); len(got) != 2 || got[1].Step != 2 || got[1].Of != 2 || got[1].Node != 3 || got[1].Name != "gamma" || got[1].Result != resultDrained {
		t.Errorf("said %+v", got)
	}
}

func TestASeriesOfDrainsAsksBeforeEach(t *testing.T) {
	j, d := newMeshOperator(t, nil)
	d.answers = []string{"y", "yes", "n"}
	code := d.run(t.Context(), "admin drain --nodes beta,gamma,alpha --one-by-one --within 7m -m it's")
	if got := drainsOf(j); code != exitFailed || !slices.Equal(got, []uint64{2, 3}) {
		t.Errorf("exit code %d, drained %v", code, got)
	}
	for _, text := range []string{
		"not confirmed: node alpha is not drained", "drained: beta, gamma", "not drained: alpha",
		`to go on: meshos admin drain --nodes alpha --one-by-one --reason 'it'\''s' --within 7m0s`,
	} {
		if !strings.Contains(d.err.String(), text) {
			t.Errorf("%q is not in\n%s", text, d.err.String())
		}
	}
	if len(d.asked) != 3 || d.asked[1] != "Drain node gamma (2 of 3) now? [y/N] " {
		t.Errorf("asked %q", d.asked)
	}
}

func TestASeriesOfDrainsStopsAtTheFirstTrouble(t *testing.T) {
	j, d := newMeshOperator(t, func(s *meshosv1.Snapshot, commands int) {
		if commands == 2 { // while gamma is drained, something is left, and alpha sees that beta is gone
			s.LocalMaintenance.Draining, s.LocalMaintenance.WaitingFor = true, []string{"chain 7"}
			s.Peers[0].Member.Gone = true
		}
		s.Peers = append(s.Peers, &meshosv1.PeerView{Peer: 5, Name: "echo", Member: &meshosv1.MemberView{Gone: commands == 2}})
	})
	code := d.run(t.Context(), "admin drain --nodes beta,gamma,alpha --one-by-one --yes -o json")
	got := steps(t, d.out.String())
	if code != exitFailed || len(drainsOf(j)) != 2 || len(got) != 3 {
		t.Fatalf("exit code %d, drained %v: %s", code, drainsOf(j), d.out.String())
	}
	if got[1].Result != resultPeer || got[1].Reason != "node echo is gone" || !slices.Equal(got[1].Left, []string{"chain 7"}) || got[2].Result != resultNotBegun {
		t.Errorf("said %s", d.out.String())
	}
	for _, text := range []string{
		"node gamma: node echo is gone", "drained: beta", "its drain goes on; to end that: meshos admin uncordon --node gamma", "not begun: alpha",
		"to go on: meshos admin drain --nodes gamma,alpha --one-by-one --output json --yes",
	} {
		if !strings.Contains(d.err.String(), text) {
			t.Errorf("%q is not in\n%s", text, d.err.String())
		}
	}
}

func TestASeriesOfDrainsStopsAtARefusal(t *testing.T) {
	j, d := newMeshOperator(t, nil)
	j.outcome = &meshosv1.VerificationOutcome{Verdict: meshosv1.VerificationOutcome_VERDICT_REJECTED, Kind: "mesh_unreachable", Message: "no quorum"}
	code := d.run(t.Context(), "admin drain --nodes beta,gamma --one-by-one --yes")
	if code != exitRejected || len(drainsOf(j)) != 1 || !strings.Contains(d.err.String(), "rejected: mesh_unreachable: no quorum\n    drained: -\n    not drained: beta, gamma\n") {
		t.Errorf("exit code %d: %s", code, d.err.String())
	}
}

func TestAnInterruptedSeriesOfDrainsSaysWhereItStands(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	j, d := newMeshOperator(t, func(s *meshosv1.Snapshot, commands int) {
		if commands == 1 {
			s.LocalMaintenance.Draining, s.LocalMaintenance.WaitingFor = true, []string{"chain 7"}
			interrupt()
		}
	})
	code := d.run(ctx, "admin drain --nodes beta,gamma --one-by-one --yes")
	for _, text := range []string{"node beta: interrupted", "its drain goes on", "not begun: gamma", "--nodes beta,gamma"} {
		if code != exitFailed || !strings.Contains(d.err.String(), text) {
			t.Errorf("exit code %d, %q is not in\n%s", code, text, d.err.String())
		}
	}
	if got := drainsOf(j); len(got) != 1 {
		t.Errorf("drained %v", got)
	}
}

func TestASeriesOfDrainsIsRefusedBeforeAnythingIsDone(t *testing.T) {
	j, d := newMeshOperator(t, nil)
	for line, want := range map[string]string{
		"--nodes beta,gamma":                             "--nodes: say that they are to be drained one after the other, with --one-by-one",
		"--one-by-one":                                   "--one-by-one: name the nodes with --nodes a,b,c",
		"--nodes beta,gama --one-by-one --yes":           `--nodes: no node has the name "gama"; did you mean gamma?`,
		"--nodes beta,9 --one-by-one --yes":              "--nodes: no node has the id 9; known are 1 (alpha), 2 (beta), 3 (gamma)",
		"--nodes beta,delta --one-by-one --yes":          `--nodes: no node has the name "delta"; known are 1 (alpha), 2 (beta), 3 (gamma)`,
		"--nodes beta,2 --one-by-one --yes":              "--nodes: node beta is named twice",
		"--nodes beta, --one-by-one --yes":               "--nodes: want the id or the name of a node",
		"--nodes beta --one-by-one":                      "drain has to be confirmed, and there is no terminal\n    use --yes to confirm it beforehand",
		"--nodes beta --one-by-one --stall 0s":           "--stall: must be more than 0",
		"--nodes beta --one-by-one --node 2":             "node",
		"--nodes beta --one-by-one --yes --propose file": "propose",
	} {
		if code := d.run(t.Context(), "admin drain "+line); code != exitUsage || !strings.Contains(d.err.String(), want) {
			t.Errorf("%s: exit code %d: %s", line, code, d.err.String())
		}
	}
	if len(j.unsigned) > 0 {
		t.Errorf("sent %v", j.unsigned)
	}
	j.snapshot.Mesh = nil
	if code := d.run(t.Context(), "admin drain --nodes alpha --one-by-one --yes"); code != exitUsage || !strings.Contains(d.err.String(), "belongs to no mesh") {
		t.Errorf("without a mesh: exit code %d: %s", code, d.err.String())
	}
}
