package pluginsdk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// scorer remembers the view that it got.
type scorer struct {
	seen string
	fail error
}

func (s *scorer) Score(_ context.Context, v pluginsdk.View) ([]*meshosv1.ChainScore, error) {
	var parts []string
	for _, n := range v.Nodes {
		parts = append(parts, fmt.Sprintf("n%d=%s", n.GetPeer().GetPeer(), n.GetPeer().GetName()))
	}
	for _, c := range v.Chains {
		parts = append(parts, fmt.Sprintf("c%d=%d", c.GetChain(), c.GetDesired()))
	}
	s.seen = fmt.Sprintf("%d: %s", v.Version, strings.Join(parts, " "))
	return nil, s.fail
}

func node(id uint64, name string) *pluginv1.NodeView {
	return &pluginv1.NodeView{Peer: &meshosv1.PeerView{Peer: id, Name: name}}
}

func chain(id uint64, desired uint32) *pluginv1.ChainView {
	return &pluginv1.ChainView{Chain: id, Desired: desired}
}

func TestViewsAreMadeOfChanges(t *testing.T) {
	s := &scorer{}
	plugin := plugintest.Start(t, always(s), none{})
	score := func(req *pluginv1.ScoreRequest, want string) {
		t.Helper()
		table, err := plugin.ScoreRequest(req)
		if err != nil {
			t.Errorf("version %d: %v", req.GetViewVersion(), err)
		} else if s.seen != want || table.GetViewVersion() != req.GetViewVersion() {
			t.Errorf("answered version %d,\n saw %s\nwant %s", table.GetViewVersion(), s.seen, want)
		}
	}
	missing := func(base uint64) {
		t.Helper()
		_, err := plugin.ScoreRequest(&pluginv1.ScoreRequest{ViewVersion: 99, BaseVersion: base})
		wantError(t, err, codes.FailedPrecondition, fmt.Sprintf(
			"no view of version %d is held to apply a change to: send the whole view", base))
	}

	missing(0) // nothing is held yet, not even an empty view
	score(&pluginv1.ScoreRequest{
		ViewVersion: 1, Full: true,
		Nodes:  []*pluginv1.NodeView{node(3, "c"), node(1, "a"), node(3, "last counts")},
		Chains: []*pluginv1.ChainView{chain(20, 2), chain(10, 1)},
	}, "1: n1=a n3=last counts c10=1 c20=2")
	score(&pluginv1.ScoreRequest{
		ViewVersion: 2, BaseVersion: 1,
		Nodes: []*pluginv1.NodeView{node(4, "d"), node(2, "b"), node(1, "A")}, RemovedNodes: []uint64{3, 77},
		Chains: []*pluginv1.ChainView{chain(20, 9)}, RemovedChains: []uint64{10},
	}, "2: n1=A n2=b n4=d c20=9")
	// The answer to 2 was lost: the host sends a change to 1.
	score(&pluginv1.ScoreRequest{ViewVersion: 3, BaseVersion: 1}, "3: n1=a n3=last counts c10=1 c20=2")
	missing(1) // two are kept
	// A call that failed has no answer: its view is not held, the one before is.
	s.fail = errors.New("no")
	if _, err := plugin.ScoreRequest(&pluginv1.ScoreRequest{ViewVersion: 4, BaseVersion: 3}); err == nil {
		t.Error("the error is lost")
	}
	s.fail = nil
	missing(4)
	score(&pluginv1.ScoreRequest{ViewVersion: 5, BaseVersion: 2}, "5: n1=A n2=b n4=d c20=9")
	score(&pluginv1.ScoreRequest{ViewVersion: 6, Full: true, Nodes: []*pluginv1.NodeView{node(7, "g")}}, "6: n7=g")
	if err := plugin.Reconfigure(none{}); err != nil {
		t.Fatal(err)
	}
	score(&pluginv1.ScoreRequest{ViewVersion: 7, BaseVersion: 6}, "7: n7=g") // views outlive an instance
}
