package loop

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

func TestLOP03_PublishToAFullQueueReturnsAtTheCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withConfig(func(c *Config) { c.EventQueue = 1 }))
		r.publish(holder(1, 2))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		begun := time.Now()
		err := r.h.Publish(ctx, holder(2, 2))
		if !errors.Is(err, ErrQueueFull) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("publish returns %v, want a full queue and why it waited no longer", err)
		}
		if took := time.Since(begun); took != 50*time.Millisecond {
			t.Errorf("publish took %v, want 50ms", took)
		}
		if got := r.EventQueueDepth(); got != 1 {
			t.Errorf("the queue holds %d, want 1", got)
		}
	})
}

func TestLOP17_TryPublishToAFullQueueReturnsAtOnce(t *testing.T) {
	r := newRig(t, withConfig(func(c *Config) { c.EventQueue = 1 }))
	r.publish(holder(1, 2))
	if err := r.h.TryPublish(holder(2, 2)); !errors.Is(err, ErrQueueFull) {
		t.Errorf("try-publish returns %v", err)
	}
}

func TestLOP14_ReplicaIsShownAfterATick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.publish(holder(7, 2))
		if got := holds(r.ticks(1), 7); !slices.Equal(got, []mesh.NodeID{2}) {
			t.Errorf("chain 7 is held by %v, want 2", got)
		}
	})
}

func TestRUN09_ClonedHandlesBothPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		other := r.h.Clone()
		r.publish(holder(7, 2))
		if err := other.Publish(t.Context(), holder(7, 3)); err != nil {
			t.Fatal(err)
		}
		if got := holds(r.ticks(1), 7); !slices.Equal(got, []mesh.NodeID{2, 3}) {
			t.Errorf("chain 7 is held by %v, want 2 and 3", got)
		}
		other.Close()
		if err := other.Clone().TryPublish(holder(1, 1)); !errors.Is(err, ErrHandleClosed) {
			t.Errorf("the clone of a closed handle returns %v", err)
		}
		pass(interval)
		r.mustRun() // the first handle is still open
	})
}

func TestPublishRefusesNilEventsAndEndedContexts(t *testing.T) {
	r := newRig(t)
	if err := r.h.TryPublish(nil); !errors.Is(err, ErrNoEvent) {
		t.Errorf("a nil event returns %v", err)
	}
	if n, err := r.h.PublishBatch(t.Context(), []mesh.Event{holder(1, 2), nil}); n != 0 || !errors.Is(err, ErrNoEvent) {
		t.Errorf("a batch with a nil event returns %d, %v", n, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("caller went away")
	cancel(gone)
	if err := r.h.Publish(ctx, holder(1, 2)); !errors.Is(err, gone) {
		t.Errorf("a cancelled caller gets %v, want the cause", err)
	}
	if n, err := r.h.PublishBatch(ctx, []mesh.Event{holder(1, 2)}); n != 0 || !errors.Is(err, gone) {
		t.Errorf("a cancelled caller gets %d, %v, want the cause", n, err)
	}
	if _, err := r.h.Judged(ctx, mesh.JudgedCommit{}); !errors.Is(err, gone) {
		t.Errorf("a cancelled operator gets %v, want the cause", err)
	}
	if got := r.EventQueueDepth(); got != 0 {
		t.Errorf("the queue holds %d, want nothing", got)
	}
}

func TestBatchReturnsHowMuchOfItWasQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withConfig(func(c *Config) { c.EventQueue = 3 }))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		n, err := r.h.PublishBatch(ctx, slices.Repeat([]mesh.Event{holder(1, 2)}, 5))
		if n != 3 || !errors.Is(err, ErrQueueFull) {
			t.Errorf("publish returns %d, %v; want 3 of 5 and a full queue", n, err)
		}
		r.run()
		pass(time.Millisecond)
		if got := r.count.stats().EventsApplied; got != 3 {
			t.Errorf("folded %d events, want the 3 that were queued", got)
		}
	})
}

func TestBatchKeepsItsOrderAndNobodyGetsBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []mesh.ChainID
		r := newRig(t, withJournal(func(_ mesh.Stamp, in mesh.Input) {
			if h, ok := in.(mesh.Heard); ok {
				heard = append(heard, h.Event.(mesh.ReplicaUpdate).Chain)
			}
		}), withConfig(func(c *Config) { c.EventQueue = 4 }))
		publish := func(first mesh.ChainID) {
			var evs []mesh.Event
			for i := range 100 {
				evs = append(evs, holder(first+mesh.ChainID(i), 2))
			}
			if _, err := r.h.PublishBatch(context.Background(), evs); err != nil {
				t.Error(err)
			}
		}
		go publish(1000)
		synctest.Wait()
		go publish(2000)
		synctest.Wait()
		r.run()
		pass(time.Millisecond)
		if len(heard) != 200 || !slices.IsSorted(heard) {
			t.Errorf("heard %v, want both batches whole, in order", heard)
		}
	})
}

func TestAWaiterThatGivesUpLeavesTheOthersInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withConfig(func(c *Config) { c.EventQueue = 1 }))
		r.publish(holder(1, 2))
		impatient, cancel := context.WithCancel(t.Context())
		results := make(chan error, 3)
		for i, ctx := range []context.Context{t.Context(), impatient, t.Context()} {
			go func() { results <- r.h.Publish(ctx, holder(mesh.ChainID(10+i), 2)) }()
			synctest.Wait()
		}
		cancel()
		if err := <-results; !errors.Is(err, ErrQueueFull) || !errors.Is(err, context.Canceled) {
			t.Errorf("the one that gave up got %v", err)
		}
		r.run()
		if err := errors.Join(<-results, <-results); err != nil {
			t.Errorf("the others got %v", err)
		}
		s := r.ticks(1)
		if holds(s, 10) == nil || holds(s, 11) != nil || holds(s, 12) == nil {
			t.Errorf("replicas are %+v, want those of the two that waited", s.Replicas)
		}
	})
}

func TestFeedInputsAreFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		f := r.Feed()
		for _, err := range []error{
			f.Report(t.Context(), mesh.FailureReport{Source: "action:1", Reason: "no"}),
			f.Acknowledge(t.Context(), mesh.Acknowledged{Chain: mesh.ChainFailure, Through: 1}),
			f.Reload(t.Context(), mesh.Reload{Desired: mesh.Configured{Peers: []mesh.ConfiguredPeer{{ID: 9, Name: "nine"}}}}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		s := r.ticks(1)
		if got := failures(s, "action:1"); len(got) != 1 || s.Acknowledged.Failure != 1 {
			t.Errorf("failures %q acknowledged through %d, want one, acknowledged", got, s.Acknowledged.Failure)
		}
		if p := peer(s, 9); p == nil || p.Name != "nine" {
			t.Errorf("peer 9 is %+v, want it configured", p)
		}
	})
}

func TestCore302_LogLinesAreKeptInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		for _, m := range []string{"a", "b", "c"} {
			r.publish(mesh.LogLine{Level: mesh.LevelInfo, Message: m})
		}
		s := r.ticks(1)
		if len(s.Logs) != 3 || s.Logs[0].Message != "a" || s.Logs[2].Message != "c" || s.Logs[2].Seq != 3 {
			t.Errorf("log is %+v, want a, b, c with seqs 1 to 3", s.Logs)
		}
	})
}

func TestFullFeedWaitsAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		done := make(chan error, 1)
		go func() {
			for range feedQueue + 100 {
				if err := r.Feed().Report(context.Background(), mesh.FailureReport{Source: "x"}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		synctest.Wait()
		r.run()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		s := r.ticks(1)
		if got := s.Failures[len(s.Failures)-1].Seq; got != feedQueue+100 {
			t.Errorf("the last failure has seq %d, want %d", got, feedQueue+100)
		}
	})
}
