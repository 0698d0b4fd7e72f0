package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// jumpAfter is how long the log has to end before the records of the seeds begin until it is believed
// that nobody has what lies between: whoever has that fills it up at once.
const jumpAfter = 5 * time.Second

// begins returns the height of the first entry of the log; 0 while it is not known.
func (k *keeper) begins() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.first
}

// lastDropped returns the height of the last entry of a log that has none any more.
func (k *keeper) lastDropped(ctx context.Context) (uint64, error) {
	s, err := k.js.Stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("read the end of the log: %w", err)
	}
	return s.CachedInfo().State.LastSeq, nil
}

// shorten drops what this seed's host needs no more from the beginning of the log, and has a log
// begin where the hosts' records do if nobody fills up what is before. Only the seed that leads
// the log calls it. While the log lacks what the host has, it takes nothing but what fills it up,
// so no order can be lost with it.
func (k *keeper) shorten(ctx context.Context, s jetstream.Stream) error {
	info, m := s.CachedInfo(), k.members.Load()
	first, last := max(1, info.State.FirstSeq), info.State.LastSeq
	records := k.records.Load()
	lacks := records > last+1
	if !lacks || k.lacks.last != last || k.lacks.since.IsZero() {
		k.lacks.last, k.lacks.since = last, time.Now()
	}
	next := uint64(0)
	switch {
	case !k.majority.Load():
	case lacks && time.Since(k.lacks.since) >= jumpAfter:
		next = records
	case !lacks && m.dropThrough >= first && m.dropThrough < last:
		next = m.dropThrough + 1
	}
	switch {
	case next == 0:
		return nil
	case info.Config.DenyPurge:
		return errors.New("an older version made it, of which nothing can be dropped: stop all seeds, set their stores (the folders hub) aside, and start them; the log is filled up again from the records")
	}
	if err := s.Purge(ctx, jetstream.WithPurgeSequence(next)); err != nil {
		return err
	}
	k.mu.Lock()
	k.first = next
	k.mu.Unlock()
	poke(k.changed)
	if lacks {
		k.log.Warn("nobody fills up what the log lacks: it begins where the records of the seeds do", "height", next)
	} else {
		k.log.Info("dropped the beginning of the log, which a checkpoint stands for", "height", next)
	}
	return nil
}
