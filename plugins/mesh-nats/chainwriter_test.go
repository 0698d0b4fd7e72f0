package main

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/meshos/meshos/internal/testkit"
)

// writer is a program that publishes numbers to a chain, each until it is acknowledged.
type writer struct {
	js      nats.JetStreamContext
	subject string
	stop    context.CancelFunc
	running sync.WaitGroup
	acked   []uint64 // by number, from 1 on: the place in the chain
	gap     time.Duration
}

func startWriter(t *testing.T, nc *nats.Conn, subject string) *writer {
	t.Helper()
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &writer{js: js, subject: subject, stop: cancel}
	t.Cleanup(func() {
		cancel()
		w.running.Wait()
	})
	w.running.Go(func() {
		last := time.Now()
		for i := 1; ctx.Err() == nil; {
			ack, err := js.Publish(subject, fmt.Append(nil, i), nats.MsgId(fmt.Sprint(i)), nats.AckWait(500*time.Millisecond))
			if err != nil {
				sleep(ctx, 5*time.Millisecond) // as a client does that tries again
				continue
			}
			w.gap = max(w.gap, time.Since(last))
			last = time.Now()
			w.acked = append(w.acked, ack.Sequence)
			i++
		}
	})
	return w
}

// check ends the writer and sees that what was acknowledged is there, once and in order.
func (w *writer) check(t *testing.T) {
	t.Helper()
	w.stop()
	w.running.Wait()
	var sub *nats.Subscription
	testkit.Until(t, "a consumer", func() bool { // who has just moved may be asked in vain
		var err error
		sub, err = w.js.SubscribeSync(w.subject, nats.OrderedConsumer())
		return err == nil
	})
	defer func() { _ = sub.Unsubscribe() }()
	for i, seq := range w.acked {
		m, err := sub.NextMsg(testkit.Patience)
		if err != nil {
			t.Fatalf("message %d of %d: %v", i+1, len(w.acked), err)
		}
		meta, err := m.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Data) != fmt.Sprint(i+1) || meta.Sequence.Stream != seq {
			t.Fatalf("message %d is %q with the number %d, not %d", i+1, m.Data, meta.Sequence.Stream, seq)
		}
	}
	t.Logf("%d messages, the longest gap between acknowledgements was %s", len(w.acked), w.gap)
}
