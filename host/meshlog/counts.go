package meshlog

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/meshos/meshos/host/cluster/follower"
	"github.com/meshos/meshos/host/mesh"
)

// orderCounts counts how orders of operators ended that were given to this node.
type orderCounts struct{ accepted, refused, unknown atomic.Uint64 }

// counted is order of an operator's order.
func (l *Log) counted(ctx context.Context, id []byte, build follower.Build) (mesh.AuditRecord, error) {
	record, err := l.order(ctx, id, build)
	var unknown *UnknownError
	switch {
	case errors.As(err, &unknown):
		l.ordered.unknown.Add(1)
	case err != nil, record.Outcome.Verdict == mesh.VerdictRejected:
		l.ordered.refused.Add(1)
	default:
		l.ordered.accepted.Add(1)
	}
	return record, err
}

// Orders returns how the orders of operators ended that were given to this node, by result.
func (l *Log) Orders() map[string]uint64 {
	return map[string]uint64{
		"accepted": l.ordered.accepted.Load(), "refused": l.ordered.refused.Load(), "unknown": l.ordered.unknown.Load(),
	}
}

// Forked reports whether nothing is folded any more because the log of the others differs from
// this node's record.
func (l *Log) Forked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, fork := l.follower.Frozen()
	return fork != nil
}
