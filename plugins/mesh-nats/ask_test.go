package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// serves answers the questions to a machine: "echo" with the request, "count" with numbers as
// fast as it is allowed, "fail" with an error, "hang" never.
func (m *machine) serves(ctx context.Context) {
	stream, err := m.mesh.Serve(ctx)
	if err != nil {
		m.Errorf("m%d: Serve: %v", m.id, err)
		return
	}
	sent, window := map[uint64]int{}, map[uint64]uint32{}
	counting := map[uint64]bool{}
	for {
		q, err := stream.Recv()
		if err != nil {
			return
		}
		window[q.GetId()] += q.GetWindow()
		switch {
		case q.GetCancel():
			m.mu.Lock()
			m.cancelled++
			m.mu.Unlock()
			delete(counting, q.GetId())
		case q.GetMethod() == "echo":
			_ = stream.Send(&pluginv1.ServedAnswer{Id: q.GetId(), Response: append([]byte(fmt.Sprint(q.GetFrom(), " ")), q.GetRequest()...)})
			_ = stream.Send(&pluginv1.ServedAnswer{Id: q.GetId(), End: true})
		case q.GetMethod() == "fail":
			_ = stream.Send(&pluginv1.ServedAnswer{Id: q.GetId(), End: true, Code: int32(codes.NotFound), Message: "no such daemon"})
		case q.GetMethod() == "count":
			counting[q.GetId()] = true
		}
		for id := range counting {
			for ; window[id] > 0; window[id]-- {
				_ = stream.Send(&pluginv1.ServedAnswer{Id: id, Response: []byte(fmt.Sprint(sent[id]))})
				sent[id]++
			}
		}
	}
}

func (m *machine) ask(ctx context.Context, to uint64, method string, request []byte) (out [][]byte, err error) {
	stream, err := m.mesh.Ask(ctx, &pluginv1.AskRequest{Node: to, Method: method, Request: request})
	for err == nil {
		var response *pluginv1.AskResponse
		if response, err = stream.Recv(); err == nil {
			out = append(out, response.GetResponse())
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return out, err
}

func TestNodesAskEachOther(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 1, 2)
	asks, serves := all[1], all[2]
	w.until("they know each other", func() bool { return asks.peer(3) != nil && asks.peer(1) != nil })
	if _, err := asks.ask(t.Context(), 3, "echo", nil); status.Code(err) != codes.Unavailable {
		t.Errorf("a host that serves nothing: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); serves.serves(ctx) }()
	defer func() { cancel(); <-done }()
	w.until("it serves", func() bool {
		out, err := asks.ask(ctx, 3, "echo", []byte("hello"))
		return err == nil && len(out) == 1 && string(out[0]) == "2 hello"
	})
	large := bytes.Repeat([]byte("0123456789"), 300_000)
	if out, err := asks.ask(ctx, 3, "echo", large[:700_000]); err != nil || len(out) != 1 || !bytes.Equal(out[0][2:], large[:700_000]) {
		t.Errorf("a large answer: %d, %v", len(out), err)
	}
	if _, err := asks.ask(ctx, 3, "fail", nil); status.Code(err) != codes.NotFound || status.Convert(err).Message() != "no such daemon" {
		t.Errorf("%v", err)
	}
	if _, err := asks.ask(ctx, 9, "echo", nil); status.Code(err) != codes.Unavailable {
		t.Errorf("nobody: %v", err)
	}

	counting, stop := context.WithCancel(ctx)
	stream, err := asks.mesh.Ask(counting, &pluginv1.AskRequest{Node: 3, Method: "count"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		response, err := stream.Recv()
		if err != nil || string(response.GetResponse()) != fmt.Sprint(i) {
			t.Fatalf("%d: %v, %v", i, response, err)
		}
	}
	stop()
	w.until("the other side is told that nobody waits", func() bool {
		serves.mu.Lock()
		defer serves.mu.Unlock()
		return serves.cancelled == 1
	})

	stream, err = asks.mesh.Ask(ctx, &pluginv1.AskRequest{Node: 3, Method: "hang"})
	if err != nil {
		t.Fatal(err)
	}
	serves.end()
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the other side is gone: %v", err)
	}
}

func TestAQuestionEndsWhenTheLinkIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	seed, asks := w.add(1), w.add(2)
	link := newCable(t, w.address(9), w.address(1))
	asks.cfg.Seeds = []string{w.address(9)}
	seed.start()
	asks.start()
	w.found(seed)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); seed.serves(ctx) }()
	defer func() { cancel(); <-done }()
	w.until("it is answered", func() bool { _, err := asks.ask(ctx, 1, "echo", nil); return err == nil })
	stream, err := asks.mesh.Ask(ctx, &pluginv1.AskRequest{Node: 1, Method: "count"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	link.cut()
	for err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	w.until("the other side is told that nobody waits", func() bool {
		seed.mu.Lock()
		defer seed.mu.Unlock()
		return seed.cancelled == 1
	})
}
