package pluginsdk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	"github.com/meshos/meshos/pluginsdk/wire"
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

// counting scores each chain by a number that a test chooses, part by part.
type counting struct {
	scores map[uint64]float32
	fail   error
}

func (c *counting) StreamScores(_ context.Context, v pluginsdk.View, send func([]*meshosv1.ChainScore) error) error {
	for _, chain := range v.Chains {
		score, has := c.scores[chain.GetChain()]
		if !has {
			continue
		}
		err := send([]*meshosv1.ChainScore{{
			Chain:           chain.GetChain(),
			Holders:         []*meshosv1.NodeScore{{Node: 1, Score: score}, {Node: 2, Score: 1}},
			BestAlternative: &meshosv1.NodeScore{Node: 3, Score: 0.5},
			Cost:            &meshosv1.MigrationCost{StateTransfer: durationpb.New(time.Second), Disruption: durationpb.New(0), ReliabilityFactor: score},
		}})
		if err != nil {
			return err
		}
	}
	return c.fail
}

func TestAnswersInPagesHaveOnlyWhatTheHostDoesNotHave(t *testing.T) {
	const chains = 3000
	s := &counting{scores: make(map[uint64]float32)}
	view := &pluginv1.ScoreRequest{ViewVersion: 1, Full: true, Nodes: []*pluginv1.NodeView{node(1, "a")}}
	for id := uint64(1); id <= chains; id++ {
		s.scores[id] = float32(id%10) / 10
		view.Chains = append(view.Chains, &pluginv1.ChainView{Chain: id, Holders: []uint64{1, 2}, Desired: 2})
	}
	plugin := plugintest.Start(t, always(s), none{})
	score := func(req *pluginv1.ScoreRequest) *meshosv1.ScoreTable {
		t.Helper()
		table, err := plugin.ScoreInPages(req, wire.LeastPage) // some 100 pages
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	whole := score(view)
	if whole.GetChanges() || len(whole.GetChains()) != chains || whole.GetViewVersion() != 1 {
		t.Fatalf("the first answer has %d chains, changes %v", len(whole.GetChains()), whole.GetChanges())
	}
	if one, err := plugin.ScoreRequest(view); err != nil || !proto.Equal(one, whole) {
		t.Errorf("version 1 answers otherwise: %v", err)
	}

	score(view) // version 1 has the view now, but not what was answered in pages
	change := func(version, base uint64, removed ...uint64) *pluginv1.ScoreRequest {
		return &pluginv1.ScoreRequest{ViewVersion: version, BaseVersion: base, RemovedChains: removed}
	}
	if got := score(change(2, 1)); !got.GetChanges() || len(got.GetChains())+len(got.GetUnscored()) != 0 || got.GetViewVersion() != 2 {
		t.Errorf("nothing changed, but the answer has %d chains: %v", len(got.GetChains()), got.GetChanges())
	}
	s.scores[7], s.scores[2500] = 0.25, 0.75
	delete(s.scores, 8)
	delete(s.scores, 9)
	got := score(change(3, 2, 9)) // the host knows of 9
	if len(got.GetChains()) != 2 || got.GetChains()[0].GetChain() != 7 || got.GetChains()[1].GetHolders()[0].GetScore() != 0.75 ||
		!slices.Equal(got.GetUnscored(), []uint64{8}) {
		t.Errorf("got %v", got)
	}
	// The answer to 3 was lost: the host sends a change to 2, and gets all that it lacks.
	if got = score(change(4, 2, 9)); len(got.GetChains()) != 2 || !slices.Equal(got.GetUnscored(), []uint64{8}) {
		t.Errorf("got %v", got)
	}
	s.fail = errors.New("no")
	if _, err := plugin.ScoreInPages(change(5, 4), 0); err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("error %v", err)
	}
	s.fail = nil
	_, err := plugin.ScoreInPages(change(6, 5), 0)
	wantError(t, err, codes.FailedPrecondition, "no view of version 5 is held to apply a change to: send the whole view")
	if got := score(change(6, 4)); len(got.GetChains()) != 0 {
		t.Errorf("nothing changed since 4, but the answer has %d chains", len(got.GetChains()))
	}
}

func TestScorersAreServedInBothVersions(t *testing.T) {
	for _, plugin := range []*plugintest.Client{
		plugintest.Start(t, always(&scorer{}), none{}), plugintest.Start(t, always(&counting{}), none{}),
	} {
		said, err := plugin.Describe()
		if err != nil || !slices.Equal(said.GetKinds(), []string{wire.KindPlacementScorer}) || !slices.Equal(said.GetKindVersions(), []string{wire.ScorerInPages}) {
			t.Errorf("describes itself as %v %v, %v", said.GetKinds(), said.GetKindVersions(), err)
		}
		if !said.GetMindsTimeout() {
			t.Error("a host that asks it sets a deadline for gRPC as well")
		}
	}
}
