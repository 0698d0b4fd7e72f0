package main

import (
	"testing"

	"github.com/meshos/meshos/pluginsdk"
)

func TestAllKnowWhoIsThere(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 1, 2)
	for _, m := range all {
		for _, other := range all {
			if other == m {
				continue
			}
			w.until("each knows the others", func() bool {
				p := m.peer(other.id)
				return p != nil && !p.GetLeft() && p.GetSummary().GetHeight() == 1 && p.GetAddress() != ""
			})
		}
		w.until("all are known", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.all })
	}
	peers := []pluginsdk.Peer{{ID: 2}, {ID: 3}, {ID: 9}}
	health := func() map[uint64]pluginsdk.HealthSample {
		samples, err := all[0].calls.SampleHealth(peers...)
		if err != nil {
			t.Fatal(err)
		}
		out := map[uint64]pluginsdk.HealthSample{}
		for _, s := range samples {
			out[s.Peer] = s
		}
		return out
	}
	if got := health(); len(got) != 2 || got[2].Health != pluginsdk.Healthy || !all[0].calls.Complete() {
		t.Errorf("%v", got)
	}
	all[1].leave()
	w.until("it left in order", func() bool { return all[2].peer(2).GetLeft() && all[2].peer(2).GetOrderly() })
	all[2].end()
	w.until("it is gone", func() bool { return all[0].peer(3).GetLeft() && !all[0].peer(3).GetOrderly() })
	if got := health(); got[2].Reason != "it has ended in order" || got[3].Reason != "not heard by the seeds for 3s" {
		t.Errorf("%v", got)
	}
	all[1].start()
	w.everybody()
	w.until("it is back", func() bool { return !all[0].peer(2).GetLeft() })
}
