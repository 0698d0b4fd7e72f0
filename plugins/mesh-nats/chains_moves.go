package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	"github.com/meshos/meshos/pluginsdk"
)

// moveUnderWay is a change that this node makes. It ends when done is closed.
type moveUnderWay struct {
	change    chains.Change
	migration *migration
	done      chan struct{}
	err       error // meaningful once done is closed
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
	return h.begin(id, change, func(ctx context.Context, m *migration) error { return h.makeMove(ctx, id, change, m) })
}

func (h *holder) begin(id uint64, change chains.Change, run func(context.Context, *migration) error) *moveUnderWay {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m := h.moves[id]; m != nil {
		return m
	}
	m := &moveUnderWay{change: change, migration: newMigration(), done: make(chan struct{})}
	if h.ended {
		m.err = errors.New("this node ends")
		close(m.done)
		return m
	}
	h.moves[id] = m
	h.moving.Go(func() {
		m.err = run(h.ctx, m.migration)
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
func (h *holder) makeMove(ctx context.Context, id uint64, change chains.Change, shown *migration) error {
	if change.Kind != chains.Shrink && change.Kind != chains.Follow && change.Kind != chains.Handover {
		for _, target := range change.Targets {
			defer h.release(id, seedOf(target))
			if why := h.consent(ctx, id, seedOf(target), change.Kind == chains.Adopt); why != "" {
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
	patience := stillFor
	if h.held.lists(time.Now()) {
		patience = stillMost
	}
	move := chains.New(change, patience, time.Now())
	err := h.client.Run(ctx, move, config, func(move *chains.Move) { h.watch(ctx, id, shown, move) })
	if change.Kind == chains.Follow { // whom it is about was found meanwhile
		for _, node := range append(slices.Clone(move.Targets), move.Victim) {
			if seedOf(node) != 0 {
				h.release(id, seedOf(node))
			}
		}
	}
	var elsewhere *chains.ElsewhereError
	if errors.As(err, &elsewhere) && change.Victim == change.Self {
		return h.awaitGone(ctx, id, change)
	}
	return err
}

// awaitGone waits until this node is out of a chain that it led: who leads it now sees to that.
func (h *holder) awaitGone(ctx context.Context, id uint64, change chains.Change) error {
	for began := time.Now(); time.Since(began) < goneWithin; {
		if i, err := h.client.Info(ctx, change.Stream); err == nil && !i.Changing && !i.Holds(change.Victim) {
			return nil
		}
		if slices.ContainsFunc(h.movesHere(time.Now()), func(m heardMove) bool { return m.GetChain() == id }) {
			began = time.Now() // whoever makes it judges whether it stands still
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
	ctx, cancel := inTime(ctx)
	defer cancel()
	select {
	case <-m.done:
	case <-ctx.Done():
		return pluginsdk.UnavailableAfter(fmt.Errorf("%s is under way%s", m.change, m.migration.progress()), lookAtMoveIn)
	}
	if m.err == nil {
		return nil
	}
	return pluginsdk.UnavailableAfter(m.err, tryAgainAfter)
}

// lookAtMoveIn is when an action is tried again whose move goes on.
const lookAtMoveIn = time.Second

// inTime returns a context that ends before the host ceases to wait, so that it hears that a move
// goes on.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, has := ctx.Deadline()
	if !has {
		return context.WithCancel(ctx)
	}
	left := time.Until(deadline)
	return context.WithTimeout(ctx, left-min(2*time.Second, left/4))
}

// progress returns how far a migration is, to be said behind what it is.
func (m *migration) progress() string {
	b := m.beat(time.Now())
	if b.GetBytes() == 0 {
		return ""
	}
	return fmt.Sprintf(": %d of %d bytes", b.GetDone(), b.GetBytes())
}
