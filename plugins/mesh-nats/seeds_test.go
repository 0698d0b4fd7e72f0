package main

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// someHub returns a hub of three seeds that hears so many nodes, without a server.
func someHub(t *testing.T, nodes int, now time.Time) *hub {
	n := &node{id: 1, log: hclog.NewNullLogger(), cfg: config{Seeds: []string{"a:1", "b:1", "c:1"}, Session: 15e9, Beacon: 5e9}}
	members, err := newMembers(&pluginv1.SetMembersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	n.members.Store(members)
	h := &hub{
		node: n, sessions: newSessions(n.cfg.session()), seeds: map[uint64]*otherSeed{}, news: map[uint64]bool{},
		flush: time.NewTimer(time.Hour), began: now, ticked: now, state: &natsv1.LogState{},
	}
	t.Cleanup(func() { h.flush.Stop() })
	h.keeper = &keeper{hub: h}
	for id := range nodes {
		h.sessions.beat(now, uint64(id+1), &natsv1.Beat{Incarnation: 5, Tick: 1})
	}
	return h
}

func (h *hub) gone() (n int) {
	for _, one := range h.sessions.nodes {
		if one.left {
			n++
		}
	}
	return n
}

func TestASessionEndsWithoutBeats(t *testing.T) {
	now := time.Unix(1000, 0)
	h := someHub(t, 10, now)
	for id := uint64(2); id <= 10; id++ {
		h.sessions.beat(now.Add(10*time.Second), id, &natsv1.Beat{Incarnation: 5, Tick: 2})
	}
	h.sessions.beat(now.Add(10*time.Second), 1, &natsv1.Beat{Incarnation: 5, Tick: 1}) // its loop stands still
	h.sweep(now.Add(15 * time.Second))
	if h.gone() != 0 {
		t.Error("too early")
	}
	h.sweep(now.Add(16 * time.Second))
	if h.gone() != 1 || !h.sessions.nodes[1].left || !h.news[1] {
		t.Errorf("%d sessions ended", h.gone())
	}
}

func TestWhoseBeatIsOverdueIsSaidToBeSilentOnce(t *testing.T) {
	now := time.Unix(1000, 0)
	h := someHub(t, 2, now)
	after := h.cfg.beatEvery() + settle
	late := now.Add(7 * time.Second)
	h.sessions.beat(now.Add(5*time.Second), 2, &natsv1.Beat{Incarnation: 5, Tick: 2})
	if got := h.sessions.silent(late, after); len(got) != 1 || got[0] != 1 {
		t.Errorf("silent are %v", got)
	}
	if got := h.sessions.silent(late, after); len(got) != 0 {
		t.Errorf("again silent are %v", got)
	}
	if got := h.peerState(late, 1, [2]uint64{}).GetSilent(); got.AsDuration() != 7*time.Second {
		t.Errorf("silent for %v", got)
	}
	if got := h.peerState(late, 2, [2]uint64{}).GetSilent(); got != nil {
		t.Errorf("who is heard is silent for %v", got)
	}
	if changed, _ := h.sessions.beat(late, 1, &natsv1.Beat{Incarnation: 5, Tick: 2}); !changed || h.peerState(late, 1, [2]uint64{}).GetSilent() != nil {
		t.Error("it is heard again, and nobody is told")
	}
}

func TestManySessionsEndOnlyIfAnotherSeedAgrees(t *testing.T) {
	now := time.Unix(1000, 0)
	h := someHub(t, 10, now)
	now = now.Add(16 * time.Second)
	for id := uint64(5); id <= 10; id++ {
		h.sessions.beat(now, id, &natsv1.Beat{Incarnation: 5, Tick: 2})
	}
	h.sweep(now)
	if h.gone() != 0 || !strings.Contains(h.alarm(now), "it may be cut off itself") {
		t.Errorf("%d sessions ended, the alarm is %q", h.gone(), h.alarm(now))
	}
	h.hearSeed(now, 2, &natsv1.SeedBeat{Ended: []uint64{1, 3}})
	h.sweep(now)
	if h.gone() != 2 || !h.sessions.nodes[1].left || !h.sessions.nodes[3].left {
		t.Errorf("%d sessions ended", h.gone())
	}
	h.hearSeed(now, 2, &natsv1.SeedBeat{Ended: []uint64{1, 2, 3, 4}})
	h.sweep(now)
	if h.gone() != 4 || h.alarm(now) != "" {
		t.Errorf("%d sessions ended, the alarm is %q", h.gone(), h.alarm(now))
	}
}

func TestTheOnlySeedGivesManySessionsAnotherBeat(t *testing.T) {
	now := time.Unix(1000, 0)
	h := someHub(t, 10, now)
	h.cfg.Seeds = h.cfg.Seeds[:1]
	h.sweep(now.Add(16 * time.Second))
	if h.gone() != 0 {
		t.Error("too early")
	}
	h.sweep(now.Add(22 * time.Second))
	if h.gone() != 10 {
		t.Errorf("%d sessions ended", h.gone())
	}
}

func TestAnIDThatTwoMachinesUseIsAnAlarm(t *testing.T) {
	now := time.Unix(1000, 0)
	h := someHub(t, 2, now)
	h.sessions.beat(now, 2, &natsv1.Beat{Incarnation: 6, Tick: 1}) // started again
	if h.alarm(now) != "" {
		t.Errorf("%q", h.alarm(now))
	}
	h.sessions.beat(now, 2, &natsv1.Beat{Incarnation: 5, Tick: 2})
	if !strings.Contains(h.alarm(now), "two machines run as node 2") {
		t.Errorf("%q", h.alarm(now))
	}
	for incarnation := uint64(5); incarnation <= 6; incarnation++ {
		said := &natsv1.Said{Incarnation: incarnation, Revision: 7, Summary: &meshosv1.NodeSummary{Cordoned: true}}
		if h.sessions.hear(now, 2, said) || h.sessions.nodes[2].summary.GetCordoned() {
			t.Errorf("the machine of incarnation %d is believed", incarnation)
		}
	}
	if !h.sessions.hear(now.Add(time.Minute), 2, &natsv1.Said{Incarnation: 6, Revision: 8, Summary: &meshosv1.NodeSummary{Cordoned: true}}) {
		t.Error("the only machine that is left is not believed")
	}
	if later := now.Add(time.Minute); h.alarm(later) != "" {
		t.Errorf("%q", h.alarm(later))
	}
}

func TestAMajorityHasToHearEachOther(t *testing.T) {
	now := time.Unix(1000, 0)
	h := someHub(t, 0, now)
	quorum := func(want bool, what string) {
		t.Helper()
		if h.quorum(now, false) != want {
			t.Errorf("%s: a quorum is %t", what, !want)
		}
	}
	quorum(false, "alone")
	h.hearSeed(now, 2, &natsv1.SeedBeat{Leads: true})
	quorum(false, "the other one does not hear this one")
	h.hearSeed(now, 2, &natsv1.SeedBeat{Leads: true, Hears: []uint64{1}})
	quorum(true, "two of three")
	h.hearSeed(now, 2, &natsv1.SeedBeat{Hears: []uint64{1}})
	quorum(false, "nobody leads")
	h.hearSeed(now, 2, &natsv1.SeedBeat{Leads: true, Hears: []uint64{1}})
	now = now.Add(seedLost)
	quorum(false, "not heard any more")
}

func TestALogThatIsBehindTakesNoOrdersForAWhile(t *testing.T) {
	now := time.Unix(1000, 0)
	h := someHub(t, 3, now)
	h.keeper.last = logEnd{height: 4, at: now}
	h.sessions.hear(now, 2, &natsv1.Said{Incarnation: 5, Revision: 1, Summary: &meshosv1.NodeSummary{Height: 6}})
	for _, c := range []struct {
		after time.Duration
		waits bool
	}{{0, false}, {500 * time.Millisecond, false}, {2 * time.Second, true}, {29 * time.Second, true}, {31 * time.Second, false}} {
		if got := h.waits(now.Add(c.after)); (got != "") != c.waits {
			t.Errorf("after %s: %q", c.after, got)
		}
	}
	h.keeper.last.height = 6
	if got := h.waits(now.Add(3 * time.Second)); got != "" {
		t.Errorf("%q", got)
	}
}

func TestASeedThatStoodStillEndsNoSession(t *testing.T) {
	now := time.Unix(1000, 0)
	h := someHub(t, 10, now)
	h.sessions.wait(time.Minute)
	h.sweep(now.Add(time.Minute))
	if h.gone() != 0 {
		t.Errorf("%d sessions ended", h.gone())
	}
}
