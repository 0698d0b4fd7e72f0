package ordered

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// heard is a loop that keeps what is queued, in that order.
type heard struct {
	Loop
	events  []mesh.Event
	heights []uint64 // 0 for what is not an order
}

func (h *heard) Fit(evs []mesh.Event) ([]mesh.Event, error) { return evs, nil }

func (h *heard) PublishBatch(_ context.Context, evs []mesh.Event) (int, error) {
	h.events = append(h.events, evs...)
	h.heights = append(h.heights, make([]uint64, len(evs))...)
	return len(evs), nil
}

func (h *heard) Queue(_ context.Context, ins []mesh.Input) (func(context.Context) (mesh.AuditRecord, error), error) {
	for _, in := range ins {
		in := in.(mesh.Heard)
		h.events = append(h.events, in.Event)
		height := uint64(0)
		if in.Ordered != nil {
			height = in.Ordered.Height
		}
		h.heights = append(h.heights, height)
	}
	return nil, nil
}

// A batch in which each order stands between events that are none is written with one sync, and
// everything keeps its place.
func TestTheOrdersOfABatchAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, syncs := openSlow(t)
		loop := &heard{}
		publish := func(evs []mesh.Event) {
			if n, err := l.Queue(loop).PublishBatch(t.Context(), evs); err != nil || n != len(evs) {
				t.Fatalf("queued %d of %d: %v", n, len(evs), err)
			}
		}
		publish([]mesh.Event{mesh.PlacementIntent{Chain: 1, Desired: 1}}) // which makes the first file
		before, already := syncs.Load(), len(loop.events)
		evs := []mesh.Event{mesh.RTTSample{Peer: 2, RTT: time.Second}}
		heights := []uint64{0}
		for i := range 100 {
			evs = append(evs, mesh.PlacementIntent{Chain: mesh.ChainID(i + 1), Desired: 3}, mesh.RTTSample{Peer: 2, RTT: time.Duration(i + 1)})
			heights = append(heights, uint64(i+2), 0)
		}
		publish(evs)
		if n := syncs.Load() - before; n != 1 {
			t.Errorf("a batch with 100 orders took %d syncs", n)
		}
		if !slices.Equal(loop.events[already:], evs) || !slices.Equal(loop.heights[already:], heights) {
			t.Errorf("queued %v with the heights %v", loop.events[already:], loop.heights[already:])
		}
		publish([]mesh.Event{mesh.RTTSample{Peer: 2, RTT: time.Second}}) // without an order
		if len(loop.events) != already+len(evs)+1 {
			t.Errorf("queued %d events", len(loop.events))
		}
	})
}
