package main

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	mostServed    = 256 // questions at once
	mostOfOne     = 64  // from one node
	servedQueue   = 1024
	partBytes     = 256 << 10
	serveLook     = 5 * time.Second
	servePatience = 30 * time.Second // the asker says every few seconds that it waits
)

// served has the questions of other nodes that this one's host works on.
type served struct {
	mu     sync.Mutex
	stream *serving // nil: the host takes no questions
}

// serving is one call of Serve.
type serving struct {
	out  chan *pluginv1.ServedQuestion
	last uint64
	byID map[uint64]*work
	work map[asker]*work
}

type asker struct{ node, token uint64 }

type work struct {
	asker
	id     uint64
	number uint64 // of the last part
	asked  time.Time
	l      *leaf
}

func newServed() *served { return &served{} }

// hear takes a question of a node, or what it says about one that it asked before.
func (s *served) hear(l *leaf, from uint64, m *nats.Msg) {
	q := &natsv1.Question{}
	if proto.Unmarshal(m.Data, q) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	refuse := func(code codes.Code, message string) {
		l.publish(subjectAnswer(from, l.id), &natsv1.Answer{Token: q.GetToken(), End: true, Code: int32(code), Message: message})
	}
	if s.stream == nil {
		refuse(codes.Unavailable, "the node takes no questions yet")
		return
	}
	who := asker{from, q.GetToken()}
	w := s.stream.work[who]
	switch {
	case w == nil && q.GetMethod() == "" && !q.GetCancel():
		refuse(codes.Unavailable, "the node was started again meanwhile")
		return
	case w == nil && q.GetMethod() == "":
		return
	case w == nil && (len(s.stream.work) >= mostServed || s.stream.of(from) >= mostOfOne):
		refuse(codes.ResourceExhausted, "the node answers too many questions at once")
		return
	case w == nil:
		w = s.stream.add(l, who)
		s.stream.pass(&pluginv1.ServedQuestion{
			Id: w.id, From: from, Method: q.GetMethod(), Request: q.GetRequest(), Timeout: q.GetTimeout(), Window: q.GetWindow(),
		})
	case q.GetCancel():
		s.stream.cancel(w)
		return
	case q.GetWindow() > 0:
		s.stream.pass(&pluginv1.ServedQuestion{Id: w.id, Window: q.GetWindow()})
	}
	w.asked = time.Now()
	l.publish(subjectAnswer(from, l.id), &natsv1.Answer{Token: q.GetToken()})
}

func (s *serving) add(l *leaf, who asker) *work {
	s.last++
	w := &work{asker: who, id: s.last, l: l}
	s.byID[w.id], s.work[who] = w, w
	return w
}

func (s *serving) of(node uint64) (n int) {
	for who := range s.work {
		if who.node == node {
			n++
		}
	}
	return n
}

func (s *serving) remove(w *work) {
	delete(s.byID, w.id)
	delete(s.work, w.asker)
}

func (s *serving) cancel(w *work) {
	s.remove(w)
	s.pass(&pluginv1.ServedQuestion{Id: w.id, Cancel: true})
}

// pass hands something to the host. If that does not take it for long, the question ends.
func (s *serving) pass(q *pluginv1.ServedQuestion) {
	select {
	case s.out <- q:
	default:
		if w := s.byID[q.GetId()]; w != nil {
			s.remove(w)
			w.end(codes.ResourceExhausted, "the node takes questions too slowly")
		}
	}
}

func (w *work) end(code codes.Code, message string) {
	w.l.publish(subjectAnswer(w.node, w.l.id), &natsv1.Answer{Token: w.token, End: true, Code: int32(code), Message: message})
}

// Serve brings the questions of other nodes to the host, and its answers back.
func (n *node) Serve(ctx context.Context, receive func() (*pluginv1.ServedAnswer, error), send func(*pluginv1.ServedQuestion) error) error {
	ctx, end := n.serves.begin(ctx)
	defer end()
	s := &serving{out: make(chan *pluginv1.ServedQuestion, servedQueue), byID: map[uint64]*work{}, work: map[asker]*work{}}
	n.served.attach(s)
	defer n.served.detach(s)
	ended := make(chan error, 1)
	// The host's stream ends only after this call has: Close waits for its reader.
	n.readers.Go(func() { ended <- n.served.answers(s, receive) })
	look := time.NewTicker(serveLook)
	defer look.Stop()
	for {
		changed := n.board.changed.wait()
		select {
		case q := <-s.out:
			if err := send(q); err != nil {
				return err
			}
		case <-look.C:
			n.served.cancelLost(n.board, time.Now())
		case <-changed:
			n.served.cancelLost(n.board, time.Now())
		case err := <-ended:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *served) attach(one *serving) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream = one
}

func (s *served) detach(one *serving) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range one.byID {
		w.end(codes.Unavailable, "the node has stopped answering")
	}
	s.stream = nil
}

// cancelLost ends the work for those who wait no more.
func (s *served) cancelLost(b *board, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil {
		return
	}
	for _, w := range s.stream.byID {
		if p, known := b.peerNow(w.node); known && p.left || now.Sub(w.asked) > servePatience {
			s.stream.cancel(w)
		}
	}
}

// answers passes on what the host answers, until its stream ends.
func (s *served) answers(one *serving, receive func() (*pluginv1.ServedAnswer, error)) error {
	for {
		answer, err := receive()
		if err != nil {
			return err
		}
		s.answer(one, answer)
	}
}

func (s *served) answer(one *serving, answer *pluginv1.ServedAnswer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := one.byID[answer.GetId()]
	if w == nil {
		return // nobody waits for it any more
	}
	if response := answer.GetResponse(); response != nil || !answer.GetEnd() {
		for more := true; more; {
			part := response[:min(len(response), partBytes)]
			response = response[len(part):]
			more = len(response) > 0
			w.number++
			w.l.publish(subjectAnswer(w.node, w.l.id), &natsv1.Answer{Token: w.token, Number: w.number, Part: part, More: more})
		}
	}
	if answer.GetEnd() {
		one.remove(w)
		w.end(codes.Code(answer.GetCode()), answer.GetMessage())
	}
}
