package host

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/mesh"
)

// doors are the listeners through which a node is asked.
type doors struct {
	socket net.Listener
	http   net.Listener // nil for none
}

// open opens both, so that an address in use is found before anything starts.
func (n *node) open(ctx context.Context) (d doors, err error) {
	if d.socket, err = api.Listen(ctx, n.cfg.Node.Socket); err != nil {
		return doors{}, err
	}
	if n.cfg.Node.Listen == "" {
		return d, nil
	}
	if d.http, err = api.ListenHTTP(ctx, n.cfg.Node.Listen); err != nil {
		_ = d.socket.Close()
		return doors{}, err
	}
	return d, nil
}

// serve answers on both until ctx is done, or one of them fails.
func (n *node) serve(ctx context.Context, d doors) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	service := api.NewService(api.Options{
		Reader:      n.loop.Reader(),
		Publisher:   n.publisher(),
		Judge:       n.judgeFrom(doorAPI),
		Room:        n.pace.room,
		Simulate:    n.simulate,
		Plugins:     n.catalog,
		StateReader: n.loop.Feed(),
		History: func(chain mesh.ChainID) (string, bool) {
			h, ok := n.scoring.History(chain)
			if !ok {
				return "", false
			}
			return h.String(), true
		},
		Durable: n.durable,
		Records: recordsDoor{n.records},
	})
	var socket, http error
	var both sync.WaitGroup
	both.Go(func() {
		defer stop()
		socket = service.Serve(ctx, d.socket, func(method string, value any, stack []byte) {
			n.log.Error("a handler of the API panicked", "method", method, "value", value, "stack", string(stack))
		})
	})
	if d.http != nil {
		handler := api.NewHTTP(api.HTTPOptions{
			Reader:       n.loop.Reader(),
			TickInterval: n.cfg.Loop.TickInterval,
			Metrics:      n.metrics.Registry(),
			LastTick:     n.loop.LastTickAt,
			Now:          time.Now,
		})
		both.Go(func() {
			defer stop()
			http = api.ServeHTTP(ctx, d.http, handler)
		})
	}
	both.Wait()
	return errors.Join(socket, http)
}
