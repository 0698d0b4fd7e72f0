package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	"github.com/meshos/meshos/pluginsdk"
	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	renewEvery = 20 * time.Second // consents of those that a move is about
	notAgain   = 5 * time.Minute  // a move that was aborted is not begun again to the same node
	listedFor  = time.Minute      // the host looks after moves that stand still
	stillMost  = 10 * stillFor    // and this is how long one may stand still then
)

// migration is a replica under way, as the node shows it that makes the move.
type migration struct {
	id uint64

	mu      sync.Mutex
	shown   *natsv1.MoveBeat // without its times; nil: nothing is copied
	began   time.Time
	phased  time.Time // when its phase began
	renewed time.Time
	abort   string // why it is to be taken back; "": it is not
}

func newMigration() *migration {
	return &migration{id: 1e9 + rand.Uint64N(9e9), began: time.Now()}
}

// beat returns what is said of a migration; nil if nothing is copied.
func (m *migration) beat(now time.Time) *natsv1.MoveBeat {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.shown
	if s == nil {
		return nil
	}
	return &natsv1.MoveBeat{
		Migration: m.id, Chain: s.GetChain(), Source: s.GetSource(), Target: s.GetTarget(), Phase: s.GetPhase(), Bytes: s.GetBytes(), Done: s.GetDone(),
		Elapsed: durationpb.New(now.Sub(m.began)), InPhase: durationpb.New(now.Sub(m.phased)),
	}
}

// show notes how far a move is, and returns whether those that it is about are to be asked anew,
// and why it is to be taken back.
func (m *migration) show(now time.Time, chain uint64, move *chains.Move, done uint64) (renew bool, abort string) {
	phases := map[chains.Stage]meshosv1.MigrationView_Phase{
		chains.Waiting: meshosv1.MigrationView_PHASE_SNAPSHOT, chains.Copying: meshosv1.MigrationView_PHASE_TRANSFER,
		chains.Finishing: meshosv1.MigrationView_PHASE_CUTOVER, chains.Undoing: meshosv1.MigrationView_PHASE_RESTORE,
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(move.Targets) == 1 && move.Kind != chains.Create && move.Kind != chains.Handover {
		phase := phases[move.Stage()]
		if m.shown.GetPhase() != phase {
			m.phased = now
		}
		bytes := move.Last().Bytes
		if phase == meshosv1.MigrationView_PHASE_CUTOVER {
			done = bytes
		}
		m.shown = &natsv1.MoveBeat{Chain: chain, Source: seedOf(move.Victim), Target: seedOf(move.Targets[0]), Phase: phase, Bytes: bytes, Done: min(done, bytes)}
	}
	if now.Sub(m.renewed) > renewEvery || m.abort != "" {
		m.renewed, renew = now, true
	}
	return renew, m.abort
}

// takeBack has a move taken back, at its next look.
func (m *migration) takeBack(reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.abort == "" {
		m.abort = reason
	}
}

// watch shows how far a move is, after each look.
func (h *holder) watch(ctx context.Context, chain uint64, m *migration, move *chains.Move) {
	now, done := time.Now(), uint64(0)
	if len(move.Targets) == 1 {
		done = h.grown(seedOf(move.Targets[0]), chain)
		move.Copied(now, done)
	}
	renew, abort := m.show(now, chain, move, done)
	if renew && move.Kind != chains.Handover {
		for _, node := range append(slices.Clone(move.Targets), move.Victim) {
			if id := seedOf(node); id != 0 {
				_ = h.consent(ctx, chain, id, true) // one that is gone can't
			}
		}
	}
	if abort != "" {
		for _, target := range move.Targets {
			h.shun(chain, seedOf(target))
		}
		move.Cancel(now, abort)
	}
}

// grown returns how many bytes of a chain are on a node that gets a replica.
func (h *holder) grown(node, chain uint64) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range h.others[node].beat.GetGrowing() {
		if g.GetChain() == chain {
			return g.GetBytes()
		}
	}
	return 0
}

// growing returns how far the replicas are that come to be here.
func (h *holder) growing() (out []*natsv1.GrowingReplica) {
	held := h.held.now()
	for _, tag := range h.tags.Borne() {
		id, err := strconv.ParseUint(strings.TrimPrefix(tag, "c"), 10, 64)
		if i, holds := held[id]; err == nil && holds {
			out = append(out, &natsv1.GrowingReplica{Chain: id, Bytes: i.Bytes})
		}
	}
	return out
}

// ownMoves returns what is said of the moves that this node makes.
func (h *holder) ownMoves(now time.Time) (out []*natsv1.MoveBeat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.moves {
		if b := m.migration.beat(now); b != nil {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b *natsv1.MoveBeat) int { return int(a.GetChain()) - int(b.GetChain()) })
	return out
}

// heardMove is a move that another node makes.
type heardMove struct {
	*natsv1.MoveBeat
	by  uint64
	ago time.Duration
}

// movesHere returns the moves of others in which this node gives or gets a replica.
func (h *holder) movesHere(now time.Time) (out []heardMove) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, o := range h.others {
		if ago := now.Sub(o.heard); ago < holderLost && id != h.id {
			for _, b := range o.beat.GetMoves() {
				if b.GetSource() == h.id || b.GetTarget() == h.id {
					out = append(out, heardMove{b, id, ago})
				}
			}
		}
	}
	return out
}

// ListMigrations lists the moves of chains that this node makes, and those in which it gives or
// gets a replica.
func (n *node) ListMigrations(context.Context) ([]*meshosv1.MigrationView, error) {
	h := n.holder.Load()
	if h == nil {
		return nil, nil
	}
	now := time.Now()
	n.held.list(now)
	var out []*meshosv1.MigrationView
	for _, b := range h.ownMoves(now) {
		out = append(out, migrationView(b, n.id, 0))
	}
	for _, b := range h.movesHere(now) {
		out = append(out, migrationView(b.MoveBeat, b.by, b.ago))
	}
	return out, nil
}

// migrationView returns what the host shows of a move.
func migrationView(b *natsv1.MoveBeat, by uint64, ago time.Duration) *meshosv1.MigrationView {
	v := &meshosv1.MigrationView{
		Migration: b.GetMigration(), Phase: b.GetPhase(), Source: b.GetSource(), Target: b.GetTarget(), Chain: b.GetChain(),
		Elapsed: durationpb.New(b.GetElapsed().AsDuration() + ago), InPhase: durationpb.New(b.GetInPhase().AsDuration() + ago),
	}
	if v.Source == 0 {
		v.Source = by // who leads it sends what it has
	}
	bytes, done := b.GetBytes(), b.GetDone()
	if bytes == 0 {
		return v
	}
	percent := uint32(float64(done) / float64(bytes) * 100)
	v.SnapshotBytes, v.DoneBytes, v.ProgressPercent = &bytes, &done, &percent
	if took := b.GetInPhase().AsDuration(); b.GetPhase() == meshosv1.MigrationView_PHASE_TRANSFER && done > 0 {
		v.Left = durationpb.New(time.Duration(float64(took) / float64(done) * float64(bytes-done)).Truncate(time.Millisecond))
	}
	return v
}

// Abort takes a move back: one of this node, or of the node that makes it.
func (n *node) Abort(ctx context.Context, id uint64, reason string) error {
	h := n.holder.Load()
	if h == nil {
		return pluginsdk.NotFound(errors.New("this node holds no chains"))
	}
	if m := h.moveOf(id); m != nil {
		m.migration.takeBack(reason)
		return m.takenBack(ctx)
	}
	for _, b := range h.movesHere(time.Now()) {
		if b.GetMigration() != id {
			continue
		}
		answer := &natsv1.PullAnswer{}
		if err := h.request(ctx, subjectPull(b.by, h.id), &natsv1.Pull{Chain: b.GetChain(), Abort: id, Reason: reason}, answer); err != nil {
			return pluginsdk.Unavailable(fmt.Errorf("%s makes that move: %w", h.nameOf(b.by), err))
		}
		if !answer.GetBegun() {
			return pluginsdk.NotFound(errors.New(answer.GetWhy()))
		}
		return nil
	}
	return pluginsdk.NotFound(fmt.Errorf("no move %d is under way here", id))
}

// takenBack waits until a move that was to be taken back has ended.
func (m *moveUnderWay) takenBack(ctx context.Context) error {
	select {
	case <-m.done:
	case <-ctx.Done():
		return pluginsdk.Unavailable(fmt.Errorf("%s is being taken back", m.change))
	}
	var cancelled *chains.CancelledError
	switch {
	case errors.As(m.err, &cancelled):
		return nil
	case m.err == nil:
		return pluginsdk.FailedPrecondition(fmt.Errorf("%s was done before it could be taken back", m.change))
	}
	return pluginsdk.FailedPrecondition(m.err)
}

// moveOf returns the move of a migration that this node makes, or nil.
func (h *holder) moveOf(id uint64) *moveUnderWay {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.moves {
		if m.migration.id == id {
			return m
		}
	}
	return nil
}

// chainTo is a chain and a node that may get a replica of it.
type chainTo struct{ chain, node uint64 }

// shun notes that a move of a chain to a node was aborted.
func (h *holder) shun(chain, node uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shunned[chainTo{chain, node}] = time.Now().Add(notAgain)
}

// shuns returns for how long a chain is not moved to a node, because that was aborted.
func (h *holder) shuns(chain, node uint64) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	until, was := h.shunned[chainTo{chain, node}]
	if left := time.Until(until); was && left > 0 {
		return left
	}
	delete(h.shunned, chainTo{chain, node})
	return 0
}
