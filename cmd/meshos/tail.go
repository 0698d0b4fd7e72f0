package main

import (
	"context"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// tailing describes how the records of one ring are shown: first those in the snapshot, then
// new ones.
type tailing[R any] struct {
	epoch  uint64
	ring   []*R
	most   int // of the ring; 0 for all
	follow bool
	seq    func(*R) uint64
	wanted func(*R) bool
	show   func(*R) error
	newer  func(ctx context.Context, in *hostv1.TailRequest, visit func(*R) error) error
}

// tail shows the records that are wanted, and with follow new ones until ctx ends.
func tail[R any](ctx context.Context, t tailing[R]) error {
	var shown []*R
	after := uint64(0)
	for _, record := range t.ring {
		after = max(after, t.seq(record))
		if t.wanted(record) {
			shown = append(shown, record)
		}
	}
	if t.most > 0 {
		shown = shown[max(0, len(shown)-t.most):]
	}
	for _, record := range shown {
		if err := t.show(record); err != nil {
			return err
		}
	}
	if !t.follow {
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	return t.newer(ctx, &hostv1.TailRequest{Epoch: t.epoch, AfterSeq: after, Follow: true}, func(record *R) error {
		if !t.wanted(record) {
			return nil
		}
		return t.show(record)
	})
}
