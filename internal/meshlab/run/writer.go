package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/meshos/meshos/internal/meshlab"
)

const (
	writeEvery = 50 * time.Millisecond
	waitedLong = 300 * time.Millisecond // such a wait for an acknowledgement is told
)

// chainNames are the chains of the mesh.
var chainNames = []string{"orders", "events", "audit"}

// makeChains makes the chains, each held by two of the three nodes, so that there is another one
// when a node is drained.
func makeChains(ctx context.Context, lab *meshlab.Lab) error {
	for _, name := range chainNames {
		for {
			_, err := lab.Node(1).Run(ctx, "chain", "create", name, "--subject", name+".>", "--replicas", "2", "--yes", "--reason", "to look at")
			if err == nil {
				break
			}
			if pause(ctx, writeEvery) != nil {
				return err
			}
		}
	}
	return nil
}

// write has a program of alpha's machine publish to all chains until ctx ends, and tells of long
// waits.
func write(ctx context.Context, lab *meshlab.Lab) error {
	first := lab.Node(1)
	nc, err := nats.Connect("nats://"+first.Programs(), nats.Token(meshlab.ProgramsToken), nats.SetCustomDialer(dialer{first}),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(writeEvery),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	defer all.Wait()
	for _, name := range chainNames {
		all.Go(func() { writeTo(ctx, js, name) })
	}
	return nil
}

func writeTo(ctx context.Context, js nats.JetStreamContext, name string) {
	last, began := time.Now(), true
	for n := 1; pause(ctx, writeEvery) == nil; {
		_, err := js.Publish(name+".new", fmt.Appendf(nil, "%s %d", name, n), nats.MsgId(fmt.Sprint(name, n)), nats.AckWait(time.Second))
		if err != nil {
			continue // and again, with the same id
		}
		if waited := time.Since(last) - writeEvery; waited > waitedLong && !began {
			fmt.Printf("  writer: message %d of %s was acknowledged after %.1f s\n", n, name, waited.Seconds())
		}
		last, began = time.Now(), false
		n++
	}
}

// dialer connects as a program of a node's machine does.
type dialer struct{ n *meshlab.Node }

func (d dialer) Dial(network, address string) (net.Conn, error) { return d.n.Dial(network, address) }

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
