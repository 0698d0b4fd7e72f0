package main

import (
	"testing"
	"time"

	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
)

// says has a leader say a height so long, as often as seeds do.
func says(e *logEnd, now *time.Time, long time.Duration, by, height uint64) {
	for until := now.Add(long); now.Before(until); *now = now.Add(seedEvery) {
		e.said(*now, by, height, nil, *now)
	}
}

func TestALogIsNotShorterBecauseALeaderOfBeforeSaysSo(t *testing.T) {
	now := time.Unix(1000, 0)
	e := &logEnd{}
	if e.known() || e.doubted(now) != 0 {
		t.Error("the end is known before anybody said it")
	}
	says(e, &now, seedEvery, 1, 6)
	e.took(now, 7, nil)
	e.took(now, 8, nil)
	for range 10 { // node 1, healed, leads as it believes; and so does node 2
		says(e, &now, seedEvery, 1, 6)
		says(e, &now, seedEvery, 2, 8)
	}
	if e.height != 8 {
		t.Errorf("it ends at %d", e.height)
	}
	says(e, &now, setBackAfter-seedEvery, 1, 6)
	if e.height != 8 || e.doubted(now) < doubtAfter {
		t.Errorf("it ends at %d, doubted for %s", e.height, e.doubted(now))
	}
	says(e, &now, 2*seedEvery, 1, 6)
	if e.height != 6 || e.doubted(now) != 0 {
		t.Errorf("it ends at %d, doubted for %s", e.height, e.doubted(now))
	}
}

func TestALogThatGrowsWhileItsLeaderIsBehindIsNotShorter(t *testing.T) {
	now := time.Unix(1000, 0)
	e := &logEnd{}
	for height := uint64(100); height < 200; height += 10 { // what the leader said is late by one
		e.took(now, height, nil)
		says(e, &now, seedEvery, 1, height-1)
	}
	if e.height != 190 || e.doubted(now) >= doubtAfter {
		t.Errorf("it ends at %d, doubted for %s", e.height, e.doubted(now))
	}
}

func TestWhatIsReadIsNotOlderThanWhatTheLogTookMeanwhile(t *testing.T) {
	now := time.Unix(1000, 0)
	e := &logEnd{}
	began := now
	e.took(now.Add(time.Millisecond), 5, nil)
	if e.read(now.Add(2*time.Millisecond), began, 4, nil); e.height != 5 {
		t.Errorf("it ends at %d", e.height)
	}
	if e.read(now.Add(2*time.Second), now.Add(time.Second), 4, nil); e.height != 4 {
		t.Errorf("it ends at %d", e.height)
	}
}

func TestNothingIsOrderedWhileTheEndOfTheLogIsNotKnown(t *testing.T) {
	now := time.Unix(1000, 0)
	h := someHub(t, 3, now)
	leads := func(log *natsv1.LogState) {
		h.hearSeed(now, 2, &natsv1.SeedBeat{Leads: true, Hears: []uint64{1}, Log: log})
		h.keeper.majority.Store(h.quorum(now, true))
	}
	state := func() *natsv1.LogState {
		h.state = &natsv1.LogState{Quorum: h.quorum(now, false) && h.keeper.end().known(), Waits: h.waits(now)}
		return h.logState(now, h.keeper.end())
	}
	leads(&natsv1.LogState{Unknown: true, Quorum: true})
	if s := state(); s.GetQuorum() || !s.GetUnknown() || s.GetAge() != nil {
		t.Errorf("%v", s)
	}
	leads(&natsv1.LogState{Height: 4}) // it does not hear a majority: it may lead no more
	if s := state(); !s.GetUnknown() {
		t.Errorf("%v", s)
	}
	leads(&natsv1.LogState{Height: 4, Quorum: true})
	if s := state(); !s.GetQuorum() || s.GetUnknown() || s.GetHeight() != 4 {
		t.Errorf("%v", s)
	}
	for range 5 {
		now = now.Add(seedEvery)
		leads(&natsv1.LogState{Height: 2, Quorum: true})
	}
	if s := state(); s.GetWaits() == "" || s.GetHeight() != 4 {
		t.Errorf("%v", s)
	}
}
