package meshlog

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/follower"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// retryWithin is within which time, drawn at random, an order is tried again when another one
// was first.
const retryWithin = 20 * time.Millisecond

// Commit orders a signed command, and returns the audit record that it left here. The error is
// a *rules.Rejection if nothing was ordered, and an *UnknownError if that is not known.
func (l *Log) Commit(ctx context.Context, signed wire.Signed) (mesh.AuditRecord, error) {
	commit := &meshosv1.SignedCommit{Payload: signed.Payload, Signatures: signed.Signatures}
	id := rules.CommitID(signed.Payload)
	if record, known := l.answered(id); known {
		return record, nil
	}
	return l.counted(ctx, id, func(s *cluster.State, now time.Time) (*meshosv1.OrderedEntry, error) {
		if rejection := s.Preview(commit, now); rejection != nil {
			return nil, rejection
		}
		if command, rejection := rules.Decode(commit.GetPayload()); rejection == nil {
			if rejection := l.allKnow(command.Event.Kind(), cluster.NeedsOf(command.Event)); rejection != nil {
				return nil, rejection
			}
		}
		return &meshosv1.OrderedEntry{Order: &meshosv1.OrderedEntry_Commit{Commit: commit}}, nil
	})
}

// Unsigned is Commit for a command without a signature.
func (l *Log) Unsigned(ctx context.Context, command mesh.AdminReceived) (mesh.AuditRecord, error) {
	event := wire.EventToProto(command)
	return l.counted(ctx, nil, func(s *cluster.State, now time.Time) (*meshosv1.OrderedEntry, error) {
		if rejection := s.PreviewUnsigned(command.Event, now); rejection != nil {
			return nil, rejection
		}
		if rejection := l.allKnow(command.Event.Kind(), cluster.NeedsOf(command.Event)); rejection != nil {
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

// order orders an entry that build makes: see follower.Order. The id is that of a commit; nil
// for an order without one.
func (l *Log) order(ctx context.Context, id []byte, build follower.Build) (mesh.AuditRecord, error) {
	key, err := l.parts.Key()
	if err != nil {
		return mesh.AuditRecord{}, fmt.Errorf("order: %w", err)
	}
	commit := id != nil
	if !commit {
		id = make([]byte, 16)
		_, _ = rand.Read(id)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if record, known := l.recent[string(id)]; known {
		return record, nil
	}
	o := l.follower.Begin(l.now(), key, id, commit, build)
	defer func() {
		o.End()
		l.stir() // the next one has its turn
	}()
	for {
		step := o.Next(l.now(), l.opts.Now())
		switch {
		case step.Ended:
			return o.Result()
		case step.Publish != nil:
			l.publish(ctx, o, step.Publish)
		default:
			l.await(ctx, o, step.Until)
		}
	}
}

// publish has the plugin order an entry. The caller holds mu, which is not held meanwhile.
func (l *Log) publish(ctx context.Context, o *follower.Order, request *pluginv1.OrderRequest) {
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, follower.Within)
	err := l.parts.Order(ctx, request)
	cancel()
	l.mu.Lock()
	answer := follower.Unknown
	switch {
	case err == nil:
		answer = follower.Appended
	case l.parts.Aborted(err):
		answer = follower.Aborted
	case l.parts.NoQuorum(err):
		answer = follower.NoQuorum
	case l.parts.Refused(err):
		answer = follower.Refused
	}
	o.Answered(l.now(), answer, err)
}

// await waits until something happened or it is time. The caller holds mu, which is not held
// meanwhile.
func (l *Log) await(ctx context.Context, o *follower.Order, until mesh.Time) {
	moved := l.moved
	l.mu.Unlock()
	timer := time.NewTimer(until.Sub(l.now()))
	select {
	case <-moved:
	case <-timer.C:
	case <-ctx.Done():
	}
	timer.Stop()
	l.mu.Lock()
	if ctx.Err() != nil {
		o.GiveUp(l.now())
	}
}

// answered returns what became of a command that counts already.
func (l *Log) answered(id []byte) (mesh.AuditRecord, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	record, known := l.recent[string(id)]
	return record, known && len(id) > 0
}
