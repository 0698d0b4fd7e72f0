package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/statetest"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// explained is a node that knows a chain, daemons with names that are not unique,
// and two peers.
func explained() *node {
	n := newNode()
	n.state = state.New(state.Boot{
		Node: 1, NodeName: "here", Epoch: 99, Policy: statetest.Policy(),
		Desired: mesh.Configured{
			Peers: []mesh.ConfiguredPeer{{ID: 2, Name: "mirror"}},
			Daemons: []mesh.ConfiguredDaemon{
				{Daemon: mesh.DaemonRef{ID: 5, Name: "demo"}, Run: true},
				{Daemon: mesh.DaemonRef{ID: 7, Name: "twin"}},
				{Daemon: mesh.DaemonRef{ID: 6, Name: "twin"}},
			},
		},
	})
	n.state.Apply(mesh.Stamp{}, mesh.Heard{Event: mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 2}})
	n.state.Apply(mesh.Stamp{}, mesh.Heard{Event: mesh.RTTSample{Peer: 2, RTT: time.Millisecond}})
	reconcile.Pass(n.state, mesh.Stamp{}, 10)
	return n
}

func chain(id uint64) *hostv1.ExplainRequest {
	return &hostv1.ExplainRequest{Subject: &hostv1.ExplainRequest_Chain{Chain: id}}
}

func daemon(id uint64) *hostv1.ExplainRequest {
	return &hostv1.ExplainRequest{Subject: &hostv1.ExplainRequest_Daemon{Daemon: id}}
}

func daemonNamed(name string) *hostv1.ExplainRequest {
	return &hostv1.ExplainRequest{Subject: &hostv1.ExplainRequest_DaemonName{DaemonName: name}}
}

func peer(id uint64) *hostv1.ExplainRequest {
	return &hostv1.ExplainRequest{Subject: &hostv1.ExplainRequest_Peer{Peer: id}}
}

func peerNamed(name string) *hostv1.ExplainRequest {
	return &hostv1.ExplainRequest{Subject: &hostv1.ExplainRequest_PeerName{PeerName: name}}
}

func TestExplain(t *testing.T) {
	client := serve(t, explained())
	got, err := client.Explain(within(t), daemonNamed("demo"))
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{got.GetSubject()}
	for _, f := range got.GetFindings() {
		lines = append(lines, f.GetArm()+": "+f.GetText())
	}
	want := []string{
		"daemon 5 (demo)",
		"daemons: it should run here",
		"daemons: it has been starting for 0s",
		"actions: start_daemon was handed out 0s ago as action 1 and has not ended",
	}
	if diff := cmp.Diff(want, lines); diff != "" || got.GetTick() != 1 {
		t.Errorf("tick %d, -want +got:\n%s", got.GetTick(), diff)
	}
}

func TestExplainOfAChainEndsWithItsScores(t *testing.T) {
	n := explained()
	n.state.Apply(mesh.Stamp{}, mesh.Heard{Event: mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 9, Holder: 2}})
	client := serve(t, n)
	for id, want := range map[uint64]string{7: "worst score 0.50 (one sample)", 9: ""} {
		got, err := client.Explain(within(t), chain(id))
		if err != nil {
			t.Fatal(err)
		}
		last := got.GetFindings()[len(got.GetFindings())-1]
		if isHistory := last.GetArm() == "score history"; isHistory != (want != "") || isHistory && last.GetText() != want {
			t.Errorf("chain %d ends with %v", id, last)
		}
	}
}

func TestExplainTakesIDsAndNames(t *testing.T) {
	client := serve(t, explained())
	for want, in := range map[string]*hostv1.ExplainRequest{
		"chain 7": chain(7), "daemon 5 (demo)": daemon(5), "daemon 6 (twin)": daemon(6),
		"node 2 (mirror)": peer(2), "node 1 (here)": peer(1),
	} {
		if got, err := client.Explain(within(t), in); err != nil || got.GetSubject() != want || len(got.GetFindings()) == 0 {
			t.Errorf("%s: got %v, error %v", want, got, err)
		}
	}
	for name, want := range map[string]string{"mirror": "node 2 (mirror)", "here": "node 1 (here)"} {
		if got, err := client.Explain(within(t), peerNamed(name)); err != nil || got.GetSubject() != want {
			t.Errorf("%s: got %v, error %v", name, got, err)
		}
	}
}

func TestExplainOfWhatIsNotThere(t *testing.T) {
	client := serve(t, explained())
	for _, c := range []struct {
		in   *hostv1.ExplainRequest
		code codes.Code
		want string
	}{
		{chain(8), codes.NotFound, "the node has never heard of chain 8"},
		{daemon(8), codes.NotFound, "the node has never heard of daemon 8"},
		{peer(8), codes.NotFound, "the node has never heard of peer 8"},
		{daemonNamed("dmeo"), codes.NotFound, `the node has never heard of daemon "dmeo"; did you mean demo?`},
		{peerNamed("miror"), codes.NotFound, `the node has never heard of peer "miror"; did you mean mirror?`},
		{peerNamed("elsewhere"), codes.NotFound, `the node has never heard of peer "elsewhere"`},
		{peerNamed(""), codes.NotFound, `the node has never heard of peer ""`},
		{daemonNamed("twin"), codes.FailedPrecondition, `2 daemons are called "twin": ask for one of 6, 7 by its id`},
		{&hostv1.ExplainRequest{}, codes.InvalidArgument, "subject: must be one of chain, daemon, daemon_name, peer and peer_name"},
	} {
		_, err := client.Explain(within(t), c.in)
		if status.Code(err) != c.code || status.Convert(err).Message() != c.want {
			t.Errorf("%v: error %v", c.in, err)
		}
	}
}

func TestExplainWhenTheLoopIsBusyOrGone(t *testing.T) {
	n := newNode()
	client := serve(t, n)
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Explain(short, chain(7)); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("busy: error %v", err)
	}
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	_, err := client.Explain(within(t), chain(7))
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "loop has ended") {
		t.Errorf("gone: error %v", err)
	}
}
