package main

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestASummaryIsSaidAtOnceUnlessOnlyTheInventoryMoved(t *testing.T) {
	now := time.Unix(1000, 0)
	load := func(height uint64, load float64) *pluginv1.TellRequest {
		return &pluginv1.TellRequest{Self: &meshosv1.NodeSummary{Height: height, Inventory: &meshosv1.PeerInventory{CpuLoad_1M: proto.Float64(load)}}}
	}
	teller := newTeller(7)
	var tick, revision uint64
	for _, step := range []struct {
		after time.Duration
		tell  *pluginv1.TellRequest
		said  bool
	}{
		{0, load(1, 1), true},
		{time.Second, load(1, 1), false},
		{time.Second, load(1, 9), false},                 // too early
		{time.Second, load(2, 9), true},                  // something else changed as well
		{29 * time.Second, load(2, 1), false},            // too early
		{2 * time.Second, load(2, 9.2), false},           // by 2 %
		{time.Second, load(2, 10), true},                 // by 10 %
		{time.Second, &pluginv1.TellRequest{}, false},    // as before
		{time.Minute, &pluginv1.TellRequest{}, false},    // as before
		{time.Second, load(2, 10), false},                // the same again
		{31 * time.Second, load(2, 9.8), false},          // by 2 %
		{time.Second, load(3, 9.8), true},                // something else
		{0, &pluginv1.TellRequest{Leaving: true}, false}, // nothing follows
		{time.Minute, load(4, 1), false},
	} {
		now = now.Add(step.after)
		tick++
		step.tell.Tick = tick
		teller.tell(step.tell, now)
		said, beat := teller.next(now, tick-1)
		if (said != nil) != step.said {
			t.Errorf("tick %d: said %v", tick, said)
		}
		if said != nil {
			if revision++; said.GetRevision() != revision || said.GetIncarnation() != 7 {
				t.Errorf("tick %d: revision %d of %d", tick, said.GetRevision(), said.GetIncarnation())
			}
		}
		if (beat == nil) != teller.leaving || beat != nil && (beat.GetTick() != tick || beat.GetRevision() != revision) {
			t.Errorf("tick %d: %v", tick, beat)
		}
	}
}

func TestALoopThatStandsStillHasNoBeat(t *testing.T) {
	now := time.Unix(1000, 0)
	teller := newTeller(7)
	teller.tell(&pluginv1.TellRequest{Tick: 5}, now)
	if _, beat := teller.next(now, 0); beat.GetTick() != 5 {
		t.Errorf("%v", beat)
	}
	teller.tell(&pluginv1.TellRequest{Tick: 5}, now)
	if _, beat := teller.next(now, 5); beat != nil {
		t.Errorf("%v", beat)
	}
}

func TestASeedThatLacksASummaryGetsTheSameAgain(t *testing.T) {
	now := time.Unix(1000, 0)
	teller := newTeller(7)
	teller.tell(&pluginv1.TellRequest{Tick: 1, Self: &meshosv1.NodeSummary{Height: 3}}, now)
	first, _ := teller.next(now, 0)
	teller.sayAgain()
	if again, _ := teller.next(now, 1); !proto.Equal(first, again) {
		t.Errorf("%v, then %v", first, again)
	}
}
