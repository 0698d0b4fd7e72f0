package meshtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// window is how many messages of an answer may be under way.
const window = 16

// question is one that waits for its answer.
type question struct {
	by      *Node
	to      *Node
	answers chan *pluginv1.ServedAnswer
}

// Ask implements pluginsdk.Mesh.
func (o *Node) Ask(ctx context.Context, ask *pluginv1.AskRequest, send func([]byte) error) error {
	n := o.net
	n.mu.Lock()
	to := n.nodes[ask.GetNode()]
	if ask.GetNode() == 0 {
		to = o.anybody()
	}
	if to == nil || to.serving == nil || !n.reach(o.id, to.id) || n.linked(o.id) == 0 || n.linked(to.id) == 0 {
		n.mu.Unlock()
		return pluginsdk.Unavailable(fmt.Errorf("node %d is not reached", ask.GetNode()))
	}
	to.questions++
	id, q := to.questions, &question{by: o, to: to, answers: make(chan *pluginv1.ServedAnswer, window+1)}
	to.asked[id] = q
	serving := to.serving
	n.mu.Unlock()
	defer n.change(func() { delete(to.asked, id) })

	first := &pluginv1.ServedQuestion{Id: id, From: o.id, Method: ask.GetMethod(), Request: ask.GetRequest(), Window: window}
	if deadline, has := ctx.Deadline(); has {
		first.Timeout = durationpb.New(time.Until(deadline))
	}
	if err := put(ctx, serving, first); err != nil {
		return err
	}
	taken := uint32(0)
	for {
		n.mu.Lock()
		changed, cut := n.changed, !n.reach(o.id, to.id) || to.serving != serving
		n.mu.Unlock()
		if cut {
			return pluginsdk.Unavailable(fmt.Errorf("node %d is not reached any more", to.id))
		}
		select {
		case a := <-q.answers:
			if a.GetEnd() {
				return status.Error(codes.Code(a.GetCode()), a.GetMessage())
			}
			if err := send(a.GetResponse()); err != nil {
				cancelled(serving, id)
				return err
			}
			if taken++; taken == window/2 {
				taken = 0
				if err := put(ctx, serving, &pluginv1.ServedQuestion{Id: id, Window: window / 2}); err != nil {
					return err
				}
			}
		case <-changed:
		case <-ctx.Done():
			cancelled(serving, id)
			return ctx.Err()
		}
	}
}

// anybody returns another node that serves, a seed if one does; nil for none.
func (o *Node) anybody() (found *Node) {
	n := o.net
	for _, id := range slices.Sorted(maps.Keys(n.nodes)) {
		to := n.nodes[id]
		if id == o.id || to.serving == nil || !n.reach(o.id, id) {
			continue
		}
		if slices.Contains(n.seeds(), id) {
			return to
		}
		found = to
	}
	return found
}

func put(ctx context.Context, to chan<- *pluginv1.ServedQuestion, q *pluginv1.ServedQuestion) error {
	select {
	case to <- q:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cancelled says that nobody waits for an answer any more.
func cancelled(to chan<- *pluginv1.ServedQuestion, id uint64) {
	select {
	case to <- &pluginv1.ServedQuestion{Id: id, Cancel: true}:
	default: // the node hears of it by its window
	}
}

// Serve implements pluginsdk.Mesh.
func (o *Node) Serve(ctx context.Context, receive func() (*pluginv1.ServedAnswer, error), send func(*pluginv1.ServedQuestion) error) error {
	n, questions := o.net, make(chan *pluginv1.ServedQuestion, 1024)
	n.change(func() { o.serving = questions })
	defer n.change(func() {
		if o.serving == questions {
			o.serving = nil
		}
	})
	failed := make(chan error, 1)
	go func() { // ends with the stream, which ends when Serve returns
		for {
			answer, err := receive()
			if err != nil {
				failed <- err
				return
			}
			n.mu.Lock()
			q := o.asked[answer.GetId()]
			n.mu.Unlock()
			if q == nil {
				continue
			}
			select {
			case q.answers <- answer:
			default:
				failed <- errors.New("more messages of an answer than its window allows")
				return
			}
		}
	}()
	for {
		select {
		case q := <-questions:
			if err := send(q); err != nil {
				return err
			}
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
