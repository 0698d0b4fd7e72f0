package meshlog

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	// orderWithin bounds how long an order is tried and waited for.
	orderWithin = 10 * time.Second
	// abortedPause is how long to wait for the entry that was first before trying again.
	abortedPause = 250 * time.Millisecond
)

// waiter is an order that waits to be folded here.
type waiter struct {
	id     string // of its commit; "" if it has none
	raw    []byte // the entry
	height uint64
	done   chan waited // buffered
}

// waited is what became of it.
type waited struct {
	record mesh.AuditRecord
	lost   bool // another entry took the height: this one never will
}

// answer tells those who wait what became of their orders. The caller holds mu.
func (l *Log) answer(t taken, record mesh.AuditRecord) {
	out := t.out
	rest := l.waiters[:0]
	for _, w := range l.waiters {
		switch {
		case w.id != "" && w.id == string(out.Order.CommitID), out.Place.Height == w.height && bytes.Equal(w.raw, t.raw):
			w.done <- waited{record: record}
		case out.Place.Height >= w.height:
			w.done <- waited{lost: true}
		default:
			rest = append(rest, w)
		}
	}
	l.waiters = rest
}

// Commit orders a signed command, and returns the audit record that it left here. The error is
// a *rules.Rejection if nothing was ordered, and an *UnknownError if that is not known.
func (l *Log) Commit(ctx context.Context, signed wire.Signed) (mesh.AuditRecord, error) {
	commit := &meshosv1.SignedCommit{Payload: signed.Payload, Signatures: signed.Signatures}
	id := rules.CommitID(signed.Payload)
	if record, known := l.answered(id); known {
		return record, nil
	}
	return l.order(ctx, id, func(s *cluster.State, now time.Time) (*meshosv1.OrderedEntry, error) {
		if rejection := s.Preview(commit, now); rejection != nil {
			return nil, rejection
		}
		return &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Commit{Commit: commit}}, nil
	})
}

// Unsigned is Commit for a command without a signature.
func (l *Log) Unsigned(ctx context.Context, command mesh.AdminReceived) (mesh.AuditRecord, error) {
	event := wire.EventToProto(command)
	return l.order(ctx, nil, func(s *cluster.State, now time.Time) (*meshosv1.OrderedEntry, error) {
		if rejection := s.PreviewUnsigned(command.Event, now); rejection != nil {
			return nil, rejection
		}
		return &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Event{Event: event}}, nil
	})
}

// join orders a joining.
func (l *Log) join(ctx context.Context, j *meshosv1.Joining) error {
	_, err := l.order(ctx, nil, func(s *cluster.State, _ time.Time) (*meshosv1.OrderedEntry, error) {
		if err := s.CheckJoining(j); err != nil {
			return nil, err
		}
		return &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Joining{Joining: proto.CloneOf(j)}}, nil
	})
	return err
}

// order orders an entry that build makes, again whenever another one is first. Orders of this
// node go one after the other: each has to stand on the one before.
func (l *Log) order(ctx context.Context, id []byte, build func(*cluster.State, time.Time) (*meshosv1.OrderedEntry, error)) (mesh.AuditRecord, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, orderWithin)
	defer cancel()
	if err := l.reachable(); err != nil {
		return mesh.AuditRecord{}, err
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return mesh.AuditRecord{}, rules.Reject(KindBusy, "other commands have waited here for %s for the log of the mesh to take them; nothing was ordered, send the command again", orderWithin)
	}
	key := id
	if key == nil {
		key = make([]byte, 16)
		_, _ = rand.Read(key)
	}
	for {
		if record, known := l.answered(id); known {
			return record, nil // somebody else ordered the same command
		}
		w, request, moved, err := l.place(key, id, build)
		if err != nil {
			return mesh.AuditRecord{}, err
		}
		err = l.parts.Order(ctx, request)
		switch {
		case err == nil:
		case l.parts.Aborted(err):
			l.forget(w)
			if err := l.lost(ctx, moved); err != nil {
				return mesh.AuditRecord{}, err
			}
			continue
		case l.parts.NoQuorum(err):
			l.forget(w)
			return mesh.AuditRecord{}, unreachable(err.Error())
		}
		if err == nil {
			err = errors.New("the log took it, and it was not folded here yet")
		}
		select {
		case got := <-w.done:
			if !got.lost {
				return got.record, nil
			}
		case <-ctx.Done():
			l.forget(w)
			return mesh.AuditRecord{}, &UnknownError{CommitID: id, After: time.Since(began), Cause: err}
		}
	}
}

// place makes the entry for the next height, and has somebody wait for it.
func (l *Log) place(key, id []byte, build func(*cluster.State, time.Time) (*meshosv1.OrderedEntry, error)) (*waiter, *pluginv1.OrderRequest, <-chan struct{}, error) {
	own, err := l.parts.Key()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("order: %w", err)
	}
	if err := l.reachable(); err != nil {
		return nil, nil, nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.opts.Now()
	entry, err := build(l.state, now)
	if err != nil {
		return nil, nil, nil, err
	}
	raw, err := l.state.Seal(entry, l.opts.Node, now, own)
	if err != nil {
		return nil, nil, nil, rules.Reject(mesh.RejectMalformed, "%v", err)
	}
	w := &waiter{id: string(id), raw: raw, height: l.state.Height() + 1, done: make(chan waited, 1)}
	l.waiters = append(l.waiters, w)
	return w, &pluginv1.OrderRequest{Entry: raw, Height: w.height, Id: key}, l.moved, nil
}

// lost waits until another entry than the one that was not taken is folded, or a while.
func (l *Log) lost(ctx context.Context, moved <-chan struct{}) error {
	timer := time.NewTimer(abortedPause)
	defer timer.Stop()
	select {
	case <-moved:
	case <-timer.C:
	case <-ctx.Done():
		return rules.Reject(KindBusy, "others were always first to order something, for %s, or the log of the mesh is behind this node's record; nothing was ordered, send the command again", orderWithin)
	}
	return nil
}

// answered returns what became of a command that counts already.
func (l *Log) answered(id []byte) (mesh.AuditRecord, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	record, known := l.recent[string(id)]
	return record, known && len(id) > 0
}

// forget has nobody wait for an order any more.
func (l *Log) forget(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, other := range l.waiters {
		if other == w {
			l.waiters = append(l.waiters[:i:i], l.waiters[i+1:]...)
			return
		}
	}
}

// reachable returns why nothing can be ordered now; nil if it can.
func (l *Log) reachable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, member := l.state.Member(l.opts.Node)
	switch {
	case !member:
		return rules.Reject(KindNoMember, "this node is no member of the mesh: %s", l.whyNotMember())
	case l.frozen != "":
		return rules.Reject(KindFrozen, "this node folds nothing of the log of the mesh any more: %s", l.frozen)
	case l.link == nil:
		return unreachable("the mesh plugin is not linked; `meshos plugin list` shows it")
	case !l.link.GetQuorum():
		why := l.link.GetError()
		if why == "" {
			why = "too few seeds answer"
		}
		return unreachable(why)
	}
	return nil
}

func unreachable(why string) *rules.Rejection {
	return rules.Reject(KindUnreachable,
		"no quorum of the seeds is reached (%s): nothing was ordered, and nothing is tried again later; send it again when `meshos mesh status` says that the log takes entries, or sign it for this node alone with --here", why)
}

// whyNotMember returns why the node is no member. The caller holds mu.
func (l *Log) whyNotMember() string {
	switch {
	case l.state.Height() == 0:
		return "it has not joined yet; `meshos mesh status` says why"
	case l.joining != nil:
		return "no seed has taken it in yet; `meshos mesh status` says why"
	}
	return "it was expelled; join again with a token that replaces it (meshos mesh token --replace)"
}
