package meshlink

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	servedAtOnce  = 64             // questions of others
	servedForEach = 16             // of one node
	longestServed = 24 * time.Hour // of one that is followed
	windowMost    = 1 << 16        // messages under way
	questionMax   = 256 << 10      // bytes
)

// serve answers the questions of other nodes for as long as the stream lives.
func (l *Link) serve(ctx context.Context, p Plugin) error {
	return p.Serve(ctx, func(ctx context.Context, receive func() (*pluginv1.ServedQuestion, error), send func(*pluginv1.ServedAnswer) error) error {
		ctx, cancel := context.WithCancel(ctx)
		s := &serving{link: l, ctx: ctx, send: send, open: make(map[uint64]*served), from: make(map[uint64]int)}
		defer s.all.Wait()
		defer cancel()
		for {
			q, err := receive()
			if err != nil {
				return err
			}
			l.over("serve")
			s.take(q)
		}
	})
}

// serving are the questions of one stream.
type serving struct {
	link *Link
	ctx  context.Context
	all  sync.WaitGroup

	sending sync.Mutex // one message at a time
	send    func(*pluginv1.ServedAnswer) error

	mu   sync.Mutex
	open map[uint64]*served
	from map[uint64]int // how many are open, by who asks
}

// served is one question that is being answered.
type served struct {
	from   uint64
	cancel context.CancelFunc

	mu   sync.Mutex
	room uint64        // so many messages may still be sent
	more chan struct{} // closed when there is more room
}

// take takes one message of the stream: a question, more room for an answer, or that nobody
// waits for it any more.
func (s *serving) take(q *pluginv1.ServedQuestion) {
	s.mu.Lock()
	known := s.open[q.GetId()]
	s.mu.Unlock()
	switch {
	case known != nil && q.GetCancel():
		known.cancel()
	case known != nil && q.GetMethod() == "":
		known.widen(q.GetWindow())
	case q.GetCancel() || q.GetMethod() == "": // its answer has ended meanwhile
	case known != nil:
		s.end(q.GetId(), status.Error(codes.InvalidArgument, "there is a question with this id already"))
	default:
		s.begin(q)
	}
}

// begin answers a question in a goroutine of its own.
func (s *serving) begin(q *pluginv1.ServedQuestion) {
	if refused := s.refuse(q); refused != nil {
		s.link.served.refused.Add(1)
		s.all.Go(func() { s.end(q.GetId(), refused) }) // who reads must not wait for who writes
		return
	}
	timeout := longestServed
	if d := q.GetTimeout(); d != nil && d.CheckValid() == nil {
		timeout = min(timeout, max(0, d.AsDuration()))
	}
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	a := &served{from: q.GetFrom(), cancel: cancel, more: make(chan struct{})}
	a.widen(q.GetWindow())
	s.mu.Lock()
	s.open[q.GetId()] = a
	s.from[q.GetFrom()]++
	s.mu.Unlock()
	s.all.Go(func() {
		defer cancel()
		err := s.link.server.Serve(ctx, q.GetFrom(), q.GetMethod(), q.GetRequest(), func(response []byte) error {
			if err := a.take(ctx); err != nil {
				return err
			}
			return s.write(&pluginv1.ServedAnswer{Id: q.GetId(), Response: response})
		})
		s.link.served.add(ctx, err)
		s.mu.Lock()
		delete(s.open, q.GetId())
		if s.from[a.from]--; s.from[a.from] == 0 {
			delete(s.from, a.from)
		}
		s.mu.Unlock()
		s.end(q.GetId(), err)
	})
}

// refuse returns why a question is not answered; nil if it is.
func (s *serving) refuse(q *pluginv1.ServedQuestion) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.link.isMember(q.GetFrom()):
		return status.Errorf(codes.PermissionDenied, "node %d is no member of the mesh", q.GetFrom())
	case len(q.GetRequest()) > questionMax:
		return status.Errorf(codes.InvalidArgument, "the question has %d bytes, more than %d", len(q.GetRequest()), questionMax)
	case len(s.open) >= servedAtOnce || s.from[q.GetFrom()] >= servedForEach:
		return status.Error(codes.ResourceExhausted, "this node answers too many questions of others already; try again later")
	}
	return nil
}

// isMember reports whether a node belongs to the mesh.
func (l *Link) isMember(node uint64) bool {
	for _, m := range l.opts.Record.Members().GetMembers() {
		if m.GetId() == node {
			return true
		}
	}
	return false
}

// end sends the end of an answer.
func (s *serving) end(id uint64, err error) {
	st := status.Convert(err)
	if err != nil && st.Code() == codes.OK {
		st = status.New(codes.Unknown, fmt.Sprint(err))
	}
	_ = s.write(&pluginv1.ServedAnswer{Id: id, End: true, Code: int32(st.Code()), Message: st.Message()})
}

// write sends one message. If that fails, the stream ends.
func (s *serving) write(a *pluginv1.ServedAnswer) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	if err := s.ctx.Err(); err != nil {
		return err
	}
	return s.send(a)
}

// widen makes room for more messages.
func (a *served) widen(n uint32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.room = min(windowMost, a.room+uint64(n))
	close(a.more)
	a.more = make(chan struct{})
}

// take waits for room for one message.
func (a *served) take(ctx context.Context) error {
	for {
		a.mu.Lock()
		more := a.more
		if a.room > 0 {
			a.room--
			a.mu.Unlock()
			return nil
		}
		a.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
}
