package meshlog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/operator/rules"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	// lookEvery is how often Run looks without being woken, while there is something to try again.
	lookEvery = time.Second
	// joiningMost bounds how many nodes that want to join are looked at at a time.
	joiningMost = 64
)

// Run fills the log of the others up where it went back, orders the joinings of others, hands
// in this node's own, and writes what could not be written before, until ctx ends.
func (l *Log) Run(ctx context.Context) {
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	l.wakeUp() // what was restored is to be audited
	for ctx.Err() == nil {
		select {
		case <-l.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		timer.Reset(lookEvery)
		if !l.Used() {
			continue
		}
		l.retry(ctx)
		l.catchUp(ctx)
		l.fillUp(ctx)
		l.orderJoinings(ctx)
		l.handIn(ctx)
		l.compact(ctx)
	}
}

// retry writes and delivers what could not be before.
func (l *Log) retry(ctx context.Context) {
	l.taking.Lock()
	defer l.taking.Unlock()
	if l.write() == nil && len(l.undeliver)+len(l.unaudited)+len(l.unfolded) > 0 {
		_ = l.deliver(ctx) // fails when the node ends: then the next start does it
	}
}

// Joining implements meshlink.Record.
func (l *Log) Joining(encoded [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, raw := range encoded {
		var j meshosv1.Joining
		if len(raw) > 4<<10 || len(l.asked) >= joiningMost || proto.Unmarshal(raw, &j) != nil {
			continue
		}
		sum := sha256.Sum256(raw)
		l.asked[string(sum[:])] = &j
	}
	l.wakeUp()
}

// orderJoinings orders what nodes signed that want to become members. Of several seeds that do
// so the first one counts.
func (l *Log) orderJoinings(ctx context.Context) {
	l.mu.Lock()
	asked := make([]*meshosv1.Joining, 0, len(l.asked))
	for _, key := range slices.Sorted(maps.Keys(l.asked)) {
		asked = append(asked, l.asked[key])
	}
	clear(l.asked)
	l.mu.Unlock()
	for _, j := range asked {
		err := l.join(ctx, j)
		var rejection *rules.Rejection
		switch {
		case err == nil:
			l.opts.Log.Info("a node became a member of the mesh with its token", "node", j.GetNode(), "name", j.GetName())
		case errors.As(err, &rejection) && (rejection.Kind == KindUnreachable || rejection.Kind == KindBusy):
			// It comes again.
		default:
			if m, is := l.member(j); is {
				l.opts.Log.Debug("a node is a member of the mesh already", "node", m)
				continue
			}
			l.once("join "+err.Error(), fmt.Sprintf("node %d (%.64q) asks to become a member of the mesh and is refused: %v", j.GetNode(), j.GetName(), err))
		}
	}
}

// member reports whether a joining is that of a member.
func (l *Log) member(j *meshosv1.Joining) (uint64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.state.Members() {
		if uint64(m.Node) == j.GetNode() && string(m.Key[:]) == string(j.GetKey()) {
			return j.GetNode(), true
		}
	}
	return 0, false
}

// handIn hands in what makes this node a member, until it is one.
func (l *Log) handIn(ctx context.Context) {
	l.mu.Lock()
	token := l.joining
	_, member := l.state.Member(l.opts.Node)
	l.mu.Unlock()
	if token == nil || token.Again || member {
		return
	}
	key, err := l.parts.Key()
	if err != nil {
		l.once("key "+err.Error(), err.Error())
		return
	}
	raw, err := token.joining(l.opts.Name, key)
	if err == nil {
		err = l.parts.Join(ctx, raw)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.joining == nil { // it became one meanwhile
		return
	}
	l.whyJoining = "a seed has what this node signed, and has not taken it in yet"
	if err != nil {
		l.whyJoining = err.Error()
	}
}
