package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/pluginsdk"
	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	askWindow   = 8 // responses that may be under way
	askParts    = 1024
	askAgain    = 2 * time.Second // the other side is asked whether it still works on the answer
	askPatience = 6 * time.Second
)

// asked has the questions of this node's host that are not answered yet.
type asked struct {
	mu        sync.Mutex
	questions map[uint64]*question
}

type question struct {
	to      uint64
	answers chan *natsv1.Answer
	lost    chan struct{} // closed when answers had no room
	once    sync.Once
}

func newAsked() *asked { return &asked{questions: map[uint64]*question{}} }

func (a *asked) add(to uint64) (token uint64, q *question) {
	q = &question{to: to, answers: make(chan *natsv1.Answer, askParts), lost: make(chan struct{})}
	a.mu.Lock()
	defer a.mu.Unlock()
	for token == 0 || a.questions[token] != nil {
		token = rand.Uint64()
	}
	a.questions[token] = q
	return token, q
}

func (a *asked) remove(token uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.questions, token)
}

// hear takes an answer of a node.
func (a *asked) hear(from uint64, m *nats.Msg) {
	answer := &natsv1.Answer{}
	if proto.Unmarshal(m.Data, answer) != nil {
		return
	}
	a.mu.Lock()
	q := a.questions[answer.GetToken()]
	a.mu.Unlock()
	if q == nil || q.to != from {
		return
	}
	select {
	case q.answers <- answer:
	default:
		q.once.Do(func() { close(q.lost) })
	}
}

// Ask asks another node, and sends what its host answers. The other side sends no more than
// this one has room for.
func (n *node) Ask(ctx context.Context, req *pluginv1.AskRequest, send func([]byte) error) error {
	l, err := n.linked()
	if err != nil {
		return err
	}
	to := req.GetNode()
	if to == 0 {
		if to = n.anybody(); to == 0 {
			return pluginsdk.Unavailable(errors.New("no other node is there that could be asked"))
		}
	}
	incarnation, err := n.reachable(to)
	if err != nil {
		return err
	}
	token, q := n.asked.add(to)
	defer n.asked.remove(token)
	say := func(m *natsv1.Question) {
		m.Token = token
		l.publish(subjectAsk(to, n.id), m)
	}
	first := &natsv1.Question{Method: req.GetMethod(), Request: req.GetRequest(), Window: askWindow}
	if deadline, ok := ctx.Deadline(); ok {
		first.Timeout = durationpb.New(time.Until(deadline))
	}
	say(first)
	ended := false
	defer func() {
		if !ended {
			say(&natsv1.Question{Cancel: true})
		}
	}()
	again := time.NewTicker(askAgain)
	defer again.Stop()
	heard, number, response, taken := time.Now(), uint64(0), []byte(nil), uint32(0)
	for {
		changed := n.board.changed.wait()
		select {
		case answer := <-q.answers:
			heard = time.Now()
			if answer.GetNumber() == 0 && !answer.GetEnd() {
				continue // it works on it
			}
			if answer.GetEnd() {
				ended = true
				return ending(answer)
			}
			if number++; answer.GetNumber() != number {
				return pluginsdk.Unavailable(fmt.Errorf("a part of the answer of %s was lost", n.nameOf(to)))
			}
			response = append(response, answer.GetPart()...)
			if answer.GetMore() {
				continue
			}
			if err := send(response); err != nil {
				return err
			}
			response = nil
			if taken++; taken >= askWindow/2 {
				say(&natsv1.Question{Window: taken})
				taken = 0
			}
		case <-q.lost:
			return status.Errorf(codes.ResourceExhausted, "the answer of %s comes faster than it is read", n.nameOf(to))
		case <-again.C:
			if now := time.Now(); now.Sub(heard) > askPatience || l.nc.IsClosed() {
				return pluginsdk.Unavailable(fmt.Errorf("%s does not answer", n.nameOf(to)))
			}
			say(&natsv1.Question{})
		case <-changed:
			if now, err := n.reachable(to); err != nil {
				return err
			} else if now != incarnation {
				return pluginsdk.Unavailable(fmt.Errorf("%s was started again meanwhile", n.nameOf(to)))
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ending returns the status of a call that has ended.
func ending(answer *natsv1.Answer) error {
	if code := codes.Code(answer.GetCode()); code != codes.OK {
		return status.Error(code, answer.GetMessage())
	}
	return nil
}

// anybody returns another node that is there, a seed if there is one; 0 for none.
func (n *node) anybody() uint64 {
	var seeds, others []uint64
	linked := n.board.linkNow().seedID
	peers, _ := n.board.everybody()
	for id, p := range peers {
		switch {
		case id == n.id || p.left:
		case id == linked || n.members.Load().byID[id].seed:
			seeds = append(seeds, id)
		default:
			others = append(others, id)
		}
	}
	if len(seeds) == 0 {
		seeds = others
	}
	if len(seeds) == 0 {
		return 0
	}
	return seeds[rand.IntN(len(seeds))]
}

// reachable returns the incarnation of a node that can be asked, or why it can't.
func (n *node) reachable(id uint64) (incarnation uint64, err error) {
	p, known := n.board.peerNow(id)
	switch {
	case id == n.id:
		return 0, pluginsdk.Invalid(errors.New("a node does not ask itself through the mesh"))
	case !n.board.linkNow().connected:
		return 0, pluginsdk.Unavailable(errors.New("this node is linked with no seed"))
	case !known:
		return 0, pluginsdk.Unavailable(fmt.Errorf("%s was never heard in the mesh", n.nameOf(id)))
	case p.left:
		return 0, pluginsdk.Unavailable(fmt.Errorf("%s is gone", n.nameOf(id)))
	}
	return p.incarnation, nil
}
