package api

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	// pageSize is how large a page of a snapshot may be. What comes round its entries is not
	// counted to the byte.
	pageSize = MaxAnswer - 64<<10
	// heldFor is how long the pages of a snapshot can be asked for, from the first one on.
	heldFor = 30 * time.Second
	// heldAtOnce is of how many snapshots.
	heldAtOnce = 8
)

// GetSnapshot implements hostv1.HostServer.
func (s *Service) GetSnapshot(ctx context.Context, in *hostv1.GetSnapshotRequest) (*meshosv1.Snapshot, error) {
	if token := in.GetPage(); token != "" {
		return s.held.next(token)
	}
	f, err := wire.FilterFromProto(in.GetFilter())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	latest := s.latest(ctx)
	out, at, more := wire.SnapshotPage(latest, &f, wire.Position{}, pageSize)
	if more {
		out.NextPage = s.held.begin(latest, f, at)
	}
	return out, nil
}

// heldPages holds the snapshots of which clients have had the first page.
type heldPages struct {
	now func() time.Time

	mu    sync.Mutex
	held  []*heldSnapshot // the one that was begun first is first
	sweep *time.Timer     // nil while none is held
}

type heldSnapshot struct {
	snapshot *snapshot.Snapshot
	filter   wire.Filter
	until    time.Time
	places   map[string]wire.Position // by token
}

func newHeldPages(now func() time.Time) *heldPages { return &heldPages{now: now} }

// begin holds a snapshot and returns the token of its second page. If too many are held, the
// one that was begun first is let go.
func (h *heldPages) begin(s *snapshot.Snapshot, f wire.Filter, at wire.Position) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expire()
	if len(h.held) >= heldAtOnce {
		h.held = h.held[len(h.held)-heldAtOnce+1:]
	}
	token := rand.Text()
	h.held = append(h.held, &heldSnapshot{snapshot: s, filter: f, until: h.now().Add(heldFor), places: map[string]wire.Position{token: at}})
	if h.sweep == nil {
		h.sweep = time.AfterFunc(heldFor, h.sweepExpired)
	}
	return token
}

// next returns the page of a token. It can be asked for again, by a client whose answer was
// lost.
func (h *heldPages) next(token string) (*meshosv1.Snapshot, error) {
	h.mu.Lock()
	h.expire()
	var of *heldSnapshot
	var at wire.Position
	for _, held := range h.held {
		if place, known := held.places[token]; known {
			of, at = held, place
		}
	}
	h.mu.Unlock()
	if of == nil {
		return nil, status.Errorf(codes.FailedPrecondition,
			"page: the snapshot that it belongs to is not held any more (it is for %v, and those of the last %d clients that began): ask for the first page again", heldFor, heldAtOnce)
	}
	out, next, more := wire.SnapshotPage(of.snapshot, &of.filter, at, pageSize)
	if !more {
		return out, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for known, place := range of.places {
		if place == next { // it was asked for before
			out.NextPage = known
			return out, nil
		}
	}
	out.NextPage = rand.Text()
	of.places[out.NextPage] = next
	return out, nil
}

// expire lets go of what was held for long enough. The lock is held.
func (h *heldPages) expire() {
	now := h.now()
	for len(h.held) > 0 && !now.Before(h.held[0].until) {
		h.held[0], h.held = nil, h.held[1:]
	}
}

// sweepExpired lets go of snapshots although nobody asks.
func (h *heldPages) sweepExpired() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expire()
	if len(h.held) == 0 {
		h.held, h.sweep = nil, nil
		return
	}
	h.sweep.Reset(h.held[0].until.Sub(h.now()))
}
