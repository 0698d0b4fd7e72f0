package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/testkit"
	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Most seeds lose their stores. Those have no say in elections until a leader gives them the log
// again, so the others have to give way.
func TestMostSeedsLoseTheirStores(t *testing.T) {
	for name, restarted := range map[string][]int{"the other one runs on": {1, 2}, "all start again": {0, 1, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, all := founded(t, 3, 1)
			for i := range 20 {
				if err := all[i%4].order(t.Context(), fmt.Sprintf("entry %d", i)); err != nil {
					t.Fatal(err)
				}
			}
			w.same(21, all...)
			w.settled(all...)
			before := all[0].record()
			for _, i := range restarted {
				all[i].end()
			}
			for _, m := range all[1:3] {
				if err := os.RemoveAll(filepath.Join(m.dir, "hub")); err != nil {
					t.Fatal(err)
				}
			}
			for _, i := range restarted {
				all[i].start()
			}
			w.everybody()
			testkit.UntilWithin(t, 2*time.Minute, func() string { return "the log is whole again" }, func() bool {
				link := all[3].linkNow()
				if link.GetConnected() && link.GetBeacon() != nil && link.GetBeacon().GetHeight() < 21 {
					_ = all[3].refill(t.Context(), before)
				}
				return link.GetQuorum() && all[3].orderAt(t.Context(), 22, "after it") == nil
			})
			w.same(22, all...)
		})
	}
}

func TestASeedGivesWayToEmptyOnesOnlyIfTheLogIsRecorded(t *testing.T) {
	beat := func(empty, leads bool) *natsv1.SeedBeat {
		return &natsv1.SeedBeat{Hears: []uint64{1}, Empty: empty, Leads: leads}
	}
	for name, c := range map[string]struct {
		others   []*natsv1.SeedBeat
		recorded uint64
		alarm    string
		gives    bool
	}{
		"two of three are empty":     {[]*natsv1.SeedBeat{beat(true, false), beat(true, false)}, 4, "is about to be made anew", true},
		"nobody has a record of all": {[]*natsv1.SeedBeat{beat(true, false), beat(true, false)}, 3, "no node that is heard has a record of all 4 entries", false},
		"one of three is empty":      {[]*natsv1.SeedBeat{beat(true, false), beat(false, false)}, 4, "", false},
		"one leads":                  {[]*natsv1.SeedBeat{beat(true, false), beat(true, true)}, 4, "", false},
		"one is not heard":           {[]*natsv1.SeedBeat{beat(true, false)}, 4, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(1000, 0)
			h := someHub(t, 3, now)
			h.keeper.last = logEnd{height: 4, at: now}
			h.sessions.hear(now, 2, &natsv1.Said{Incarnation: 5, Revision: 1, Summary: &meshosv1.NodeSummary{Height: c.recorded}})
			for after := time.Duration(0); after <= stuckAfter; after += seedEvery {
				for i, other := range c.others {
					h.hearSeed(now.Add(after), uint64(i+2), other)
				}
				h.lookForLeader(now.Add(after), false)
				if err := h.leaveStuck(now.Add(after)); err != nil && after < stuckAfter {
					t.Fatalf("after %s: %v", after, err)
				}
			}
			now = now.Add(stuckAfter)
			if alarm := h.alarm(now); c.alarm == "" && alarm != "" || !strings.Contains(alarm, c.alarm) {
				t.Errorf("the alarm is %q", alarm)
			}
			if err := h.leaveStuck(now); errors.Is(err, errOutvoted) != c.gives || h.outvoted.Load() != c.gives {
				t.Errorf("it gives way: %v", err)
			}
		})
	}
}
