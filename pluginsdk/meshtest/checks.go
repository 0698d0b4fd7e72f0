package meshtest

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

func beforeMembers(t *testing.T, c *checked) {
	_, err := c.of(1).Order(c.ctx, &pluginv1.OrderRequest{Entry: entry(1, nil, "a"), Height: 1, Id: []byte("a")})
	wantCode(t, "Order before SetMembers", err, codes.Unavailable, codes.FailedPrecondition)
}

func ordered(t *testing.T, c *checked) {
	c.found(t)
	streams := []*stream{c.follow(t, 1, &pluginv1.FollowRequest{}), c.follow(t, 2, &pluginv1.FollowRequest{}), c.follow(t, 3, &pluginv1.FollowRequest{})}
	c.order(t, 1, 1, "a")
	c.order(t, 2, 2, "b")
	_, err := c.of(3).Order(c.ctx, &pluginv1.OrderRequest{Entry: entry(2, nil, "other"), Height: 2, Id: []byte("other")})
	wantCode(t, "another entry for height 2", err, codes.Aborted)
	_, err = c.of(3).Order(c.ctx, &pluginv1.OrderRequest{Entry: entry(4, nil, "far"), Height: 4, Id: []byte("far")})
	wantCode(t, "an entry that leaves a gap", err, codes.Aborted, codes.FailedPrecondition)
	_, err = c.of(1).Order(c.ctx, &pluginv1.OrderRequest{Entry: entry(2, nil, "b"), Height: 2, Id: []byte("b")})
	wantCode(t, "the same entry again", err, codes.OK)
	c.order(t, 3, 3, "c")
	all := streams[0].entries(t, 1, 3)
	for _, s := range streams[1:] {
		for i, e := range s.entries(t, 1, 3) {
			if !proto.Equal(e, all[i]) {
				t.Errorf("node %d has another entry at height %d", s.node, i+1)
			}
		}
	}
	for i := 1; i < len(all); i++ {
		if all[i].GetLogTime().AsTime().Before(all[i-1].GetLogTime().AsTime()) {
			t.Errorf("log time goes back at height %d", i+1)
		}
	}
}

func followed(t *testing.T, c *checked) {
	c.found(t)
	for height := uint64(1); height <= 5; height++ {
		c.order(t, 1, height, fmt.Sprint("e", height))
	}
	all := c.follow(t, 1, &pluginv1.FollowRequest{}).entries(t, 1, 5)
	from := &pluginv1.FollowRequest{Height: 3, Head: Hash(all[2])}
	for node := 1; node <= 3; node++ {
		if got := c.follow(t, node, from).entries(t, 4, 5); len(got) != 2 || !proto.Equal(got[1], all[4]) {
			t.Errorf("node %d shows %d entries", node, len(got))
		}
	}
}

func dropped(t *testing.T, c *checked) {
	c.found(t)
	for height := uint64(1); height <= 5; height++ {
		c.order(t, 1, height, fmt.Sprint("e", height))
	}
	all := c.follow(t, 1, &pluginv1.FollowRequest{}).entries(t, 1, 5)
	for i := range c.Conns {
		if _, err := c.of(i+1).SetMembers(c.ctx, &pluginv1.SetMembersRequest{Members: c.Members, DropThrough: 3}); err != nil {
			t.Fatalf("SetMembers at node %d: %v", i+1, err)
		}
	}
	for node := 1; node <= 3; node++ {
		c.follow(t, node, &pluginv1.FollowRequest{Height: 5, Head: Hash(all[4])}).until(t, "the log begins at height 4", func(b *pluginv1.MeshBatch) bool { return b.GetLink().GetFirst() == 4 })
	}
	c.follow(t, 2, &pluginv1.FollowRequest{}).until(t, "the log begins at height 4", func(b *pluginv1.MeshBatch) bool {
		if len(b.GetOrdered()) > 0 {
			t.Errorf("it shows %d entries from height %d on", len(b.GetOrdered()), b.GetOrdered()[0].GetHeight())
		}
		return b.GetLink().GetFirst() == 4
	})
	c.follow(t, 2, &pluginv1.FollowRequest{Height: 3, Head: Hash(all[2]), First: 4}).entries(t, 4, 5)
	c.order(t, 3, 6, "e6")
}

func oneStream(t *testing.T, c *checked) {
	c.found(t)
	c.order(t, 1, 1, "a")
	first := c.follow(t, 2, &pluginv1.FollowRequest{})
	first.entries(t, 1, 1)
	c.follow(t, 2, &pluginv1.FollowRequest{}).entries(t, 1, 1)
	timer := time.AfterFunc(patience, first.end)
	defer timer.Stop()
	for {
		_, err := first.batches.Recv()
		if status.Code(err) == codes.Canceled {
			t.Fatal("the first stream goes on beside the second one")
		}
		if err != nil {
			return
		}
	}
}

func told(t *testing.T, c *checked) {
	c.found(t)
	c.order(t, 1, 1, "a")
	at := c.follow(t, 3, &pluginv1.FollowRequest{})
	stop := c.keepTelling(t, "one", 1, 2, 3)
	seen, complete := map[uint64]string{}, false
	at.until(t, "nodes 1 and 2 are known", func(b *pluginv1.MeshBatch) bool {
		complete = complete || b.GetPeersComplete()
		for _, p := range b.GetPeers() {
			if p.GetId() == 3 {
				t.Error("a node is told of itself")
			}
			if p.GetSummary() != nil {
				seen[p.GetId()] = p.GetSummary().GetVersion()
			}
		}
		return seen[1] == "one" && seen[2] == "one"
	})
	stop()
	c.keepTelling(t, "two", 1, 2, 3)
	at.until(t, "node 2 says something new", func(b *pluginv1.MeshBatch) bool {
		complete = complete || b.GetPeersComplete()
		for _, p := range b.GetPeers() {
			seen[p.GetId()] = p.GetSummary().GetVersion()
		}
		return seen[2] == "two" && complete
	})
}

func left(t *testing.T, c *checked) {
	c.found(t)
	c.order(t, 1, 1, "a")
	at := c.follow(t, 3, &pluginv1.FollowRequest{})
	stop := c.keepTelling(t, "one", 1, 2, 3)
	at.until(t, "node 2 is known", func(b *pluginv1.MeshBatch) bool {
		for _, p := range b.GetPeers() {
			if p.GetId() == 2 && !p.GetLeft() {
				return true
			}
		}
		return false
	})
	stop()
	c.tell(t, 2, &pluginv1.TellRequest{Tick: c.tick, Leaving: true})
	at.until(t, "node 2 has left", func(b *pluginv1.MeshBatch) bool {
		for _, p := range b.GetPeers() {
			if p.GetId() == 2 && p.GetLeft() {
				if !p.GetOrderly() {
					t.Error("it left in order, and it is not said")
				}
				return true
			}
		}
		return false
	})
}

// serve answers questions at a node: with parts messages each, or with an error for the
// method "Fail". "Wait" is answered when it is cancelled, which cancelled hears of.
func (c *checked) serve(t *testing.T, node, parts int) (cancelled <-chan uint64) {
	t.Helper()
	ctx, end := context.WithCancel(c.ctx)
	stream, err := c.of(node).Serve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	gone, ended := make(chan uint64, 16), make(chan struct{})
	t.Cleanup(func() {
		end()
		<-ended
	})
	go func() {
		defer close(ended)
		serveAll(stream, parts, gone)
	}()
	return gone
}

func serveAll(stream grpc.BidiStreamingClient[pluginv1.ServedAnswer, pluginv1.ServedQuestion], parts int, cancelled chan<- uint64) {
	open := map[uint64]*answering{}
	for {
		q, err := stream.Recv()
		if err != nil {
			return
		}
		a := open[q.GetId()]
		switch {
		case q.GetCancel():
			delete(open, q.GetId())
			cancelled <- q.GetId()
			continue
		case q.GetMethod() == "Wait":
			continue
		case q.GetMethod() == "Fail":
			_ = stream.Send(&pluginv1.ServedAnswer{Id: q.GetId(), End: true, Code: int32(codes.NotFound), Message: "no such thing"})
			continue
		case q.GetMethod() != "":
			a = &answering{question: q}
			open[q.GetId()] = a
		case a == nil:
			continue
		}
		a.room += q.GetWindow()
		for ; a.room > 0 && a.sent < parts; a.sent++ {
			a.room--
			_ = stream.Send(&pluginv1.ServedAnswer{Id: q.GetId(), Response: fmt.Appendf(nil, "%s %s %d from %d", a.question.GetMethod(), a.question.GetRequest(), a.sent, a.question.GetFrom())})
		}
		if a.sent == parts {
			a.sent++
			_ = stream.Send(&pluginv1.ServedAnswer{Id: q.GetId(), End: true})
		}
	}
}

type answering struct {
	question *pluginv1.ServedQuestion
	room     uint32
	sent     int
}

// ask asks node to from node 1, once the question gets there, and returns the answer.
func (c *checked) ask(t *testing.T, to uint64, method string) (answers []string, end error) {
	t.Helper()
	c.eventually(t, fmt.Sprintf("node %d is reached", to), func(ctx context.Context) error {
		stream, err := c.of(1).Ask(c.ctx, &pluginv1.AskRequest{Node: to, Method: method, Request: []byte("req")})
		if err != nil {
			return err
		}
		answers, end = nil, nil
		for {
			a, err := stream.Recv()
			if status.Code(err) == codes.Unavailable {
				return err // not linked yet
			}
			if err != nil {
				end = err
				return nil
			}
			answers = append(answers, string(a.GetResponse()))
		}
	})
	return answers, end
}

func asked(t *testing.T, c *checked) {
	c.found(t)
	c.order(t, 1, 1, "a")
	c.keepTelling(t, "one", 1, 2, 3)
	cancelled := c.serve(t, 2, 3)
	got, err := c.ask(t, 2, "List")
	if err != io.EOF || len(got) != 3 || got[2] != "List req 2 from 1" {
		t.Errorf("%q, %v", got, err)
	}
	if got, _ := c.ask(t, 0, "List"); len(got) != 3 { // any other node that answers
		t.Errorf("anybody answers %q", got)
	}
	_, err = c.ask(t, 2, "Fail")
	if status.Code(err) != codes.NotFound || status.Convert(err).Message() != "no such thing" {
		t.Errorf("the status of the call is lost: %v", err)
	}
	ctx, cancel := context.WithCancel(c.ctx)
	if _, err := c.of(1).Ask(ctx, &pluginv1.AskRequest{Node: 2, Method: "Wait"}); err != nil {
		t.Fatal(err)
	}
	// It may be cancelled before it came there: then it is asked again.
	for heard := false; !heard; {
		if err := wait(c.ctx, slow); err != nil {
			t.Fatal("the asked node never heard that nobody waits any more")
		}
		cancel()
		if err := wait(c.ctx, slow); err != nil {
			t.Fatal("the asked node never heard that nobody waits any more")
		}
		select {
		case <-cancelled:
			heard = true
		default:
			ctx, cancel = context.WithCancel(c.ctx)
			if _, err := c.of(1).Ask(ctx, &pluginv1.AskRequest{Node: 2, Method: "Wait"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	cancel()
}

func windowed(t *testing.T, c *checked) {
	c.found(t)
	c.order(t, 1, 1, "a")
	c.keepTelling(t, "one", 1, 2, 3)
	const parts = 500
	c.serve(t, 3, parts)
	got, err := c.ask(t, 3, "Many")
	if err != io.EOF || len(got) != parts {
		t.Fatalf("%d messages, %v", len(got), err)
	}
	for i, text := range got {
		if want := fmt.Sprintf("Many req %d from 1", i); text != want {
			t.Fatalf("message %d is %q", i, text)
		}
	}
}

func unreachable(t *testing.T, c *checked) {
	c.found(t)
	c.order(t, 1, 1, "a")
	for _, node := range []uint64{2, 99} { // one that serves nothing, and one that is no member
		stream, err := c.of(1).Ask(c.ctx, &pluginv1.AskRequest{Node: node, Method: "List"})
		if err == nil {
			_, err = stream.Recv()
		}
		wantCode(t, fmt.Sprintf("a question for node %d", node), err, codes.Unavailable)
	}
}

func expelled(t *testing.T, c *checked) {
	c.found(t)
	c.order(t, 1, 1, "a")
	c.order(t, 3, 2, "b")
	c.found(t, c.Members[:2]...)
	c.eventually(t, "node 3 can order nothing any more", func(ctx context.Context) error {
		_, err := c.of(3).Order(ctx, &pluginv1.OrderRequest{Entry: entry(3, nil, "c"), Height: 3, Id: []byte("c")})
		if code := status.Code(err); code != codes.Unavailable && code != codes.FailedPrecondition {
			return fmt.Errorf("it gets %v", err)
		}
		return nil
	})
	c.order(t, 2, 3, "d")
}
