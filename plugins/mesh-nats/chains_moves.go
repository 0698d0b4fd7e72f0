package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	"github.com/meshos/meshos/pluginsdk"
)

// moveUnderWay is a change that this node makes. It ends when done is closed.
type moveUnderWay struct {
	change chains.Change
	done   chan struct{}
	err    error // meaningful once done is closed
}

// endMoves waits for all that was begun. Nothing more is.
func (h *holder) endMoves() {
	h.mu.Lock()
	h.ended = true
	h.mu.Unlock()
	h.moving.Wait()
}

// spawn runs something that endMoves waits for.
func (h *holder) spawn(run func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ended {
		h.moving.Go(run)
	}
}

// follow goes on with changes of chains that this node leads and did not begin.
func (h *holder) follow() {
	for id, i := range h.held.now() {
		if i.Leader == hubName(h.id) && i.Changing && len(i.Desired) > 0 {
			if c := h.members.Load().chains[id]; c != nil {
				h.beginMove(id, chains.Change{Kind: chains.Follow, Stream: streamOf(c), Self: hubName(h.id)})
			}
		}
	}
}

// beginMove begins a change, unless one of the chain is under way: then that is returned.
func (h *holder) beginMove(id uint64, change chains.Change) *moveUnderWay {
	return h.begin(id, change, func(ctx context.Context) error { return h.makeMove(ctx, id, change) })
}

func (h *holder) begin(id uint64, change chains.Change, run func(context.Context) error) *moveUnderWay {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m := h.moves[id]; m != nil {
		return m
	}
	m := &moveUnderWay{change: change, done: make(chan struct{})}
	if h.ended {
		m.err = errors.New("this node ends")
		close(m.done)
		return m
	}
	h.moves[id] = m
	h.moving.Go(func() {
		m.err = run(h.ctx)
		if m.err != nil && h.ctx.Err() == nil {
			h.log.Warn("a change of a chain is not done", "chain", id, "change", change.String(), "error", m.err)
		}
		h.mu.Lock()
		delete(h.moves, id)
		h.mu.Unlock()
		h.held.poke()
		close(m.done)
	})
	return m
}

// makeMove makes a change: who gets a replica agrees first, and who leaves agrees to stay if it is
// taken back.
func (h *holder) makeMove(ctx context.Context, id uint64, change chains.Change) error {
	if change.Kind != chains.Shrink && change.Kind != chains.Follow && change.Kind != chains.Handover {
		for _, target := range change.Targets {
			defer h.release(id, seedOf(target))
			if why := h.consent(ctx, id, seedOf(target), false); why != "" {
				return &chains.RefusedError{Stream: change.Stream, Reason: fmt.Sprintf("%s does not agree: %s", h.nameOf(seedOf(target)), why)}
			}
		}
	}
	if victim := seedOf(change.Victim); victim != 0 {
		defer h.release(id, victim)
		_ = h.consent(ctx, id, victim, true) // one that is gone can't
	}
	var config *server.StreamConfig
	if c := h.members.Load().chains[id]; c != nil {
		config = streamConfig(c)
	}
	h.log.Info("changes who holds a chain", "chain", id, "change", change.String())
	err := h.client.Run(ctx, chains.New(change, stillFor, time.Now()), config, nil)
	var elsewhere *chains.ElsewhereError
	if errors.As(err, &elsewhere) && change.Victim == change.Self {
		return h.awaitGone(ctx, change)
	}
	return err
}

// awaitGone waits until this node is out of a chain that it led: who leads it now sees to that.
func (h *holder) awaitGone(ctx context.Context, change chains.Change) error {
	for began := time.Now(); time.Since(began) < goneWithin; {
		if i, err := h.client.Info(ctx, change.Stream); err == nil && !i.Changing && !i.Holds(change.Victim) {
			return nil
		}
		if !sleep(ctx, chains.LookEvery) {
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("%s is led elsewhere, and this node still holds it after %s", change.Stream, goneWithin)
}

func (h *holder) underWay(chain uint64) *moveUnderWay {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.moves[chain]
}

// await waits until a move has ended.
func (h *holder) await(ctx context.Context, m *moveUnderWay) error {
	select {
	case <-m.done:
	case <-ctx.Done():
		return later("%s is under way", m.change)
	}
	if m.err == nil {
		return nil
	}
	return pluginsdk.UnavailableAfter(m.err, tryAgainAfter)
}
