package mesh

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/meshos/meshos/internal/meshlab"
)

// writeAfter is when a program publishes the next message, or again what was not acknowledged.
const writeAfter = 10 * time.Millisecond

// writer is a program that publishes numbers to a chain, each until it is acknowledged.
type writer struct {
	chain   uint64
	name    string
	subject string
	js      nats.JetStreamContext
	stop    context.CancelFunc
	running sync.WaitGroup

	mu    sync.Mutex
	acked int // so many were acknowledged: 1, 2, 3 …
	gaps  []time.Duration
	last  error // why it was not acknowledged
}

// program connects as a program that knows the ports of some nodes, and goes to another one when
// its own does not answer.
func (w *world) program(ids ...int) *nats.Conn {
	w.t.Helper()
	var servers []string
	for _, id := range ids {
		servers = append(servers, fmt.Sprintf("nats://%s:4222", w.lab.Node(id).Name))
	}
	nc, err := nats.Connect(strings.Join(servers, ","), nats.Token(meshlab.ProgramsToken), nats.SetCustomDialer(labDialer{w}), nats.SkipHostLookup(),
		nats.DontRandomize(), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.IgnoreDiscoveredServers(), nats.Timeout(3*time.Second), nats.PingInterval(time.Second), nats.MaxPingsOutstanding(3),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		w.t.Fatal(err)
	}
	return nc
}

// labDialer finds nodes by their names.
type labDialer struct{ w *world }

func (d labDialer) Dial(network, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	for _, n := range d.w.lab.Nodes() {
		if n.Name == host {
			return n.Dial(network, n.Programs())
		}
	}
	return nil, fmt.Errorf("no node is named %q", host)
}

// write has a program publish to a chain, until it is stopped.
func (c *chainMesh) write(chain uint64, at int) *writer {
	c.t.Helper()
	ids := append([]int{at}, without(five, at)...)
	nc := c.program(ids...)
	js, err := nc.JetStream()
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.named++
	w := &writer{chain: chain, name: fmt.Sprint("w", c.named), subject: fmt.Sprintf("chain%d.w%d", chain, c.named), js: js, stop: cancel}
	c.writers = append(c.writers, w)
	w.running.Go(func() {
		defer nc.Close()
		w.run(ctx)
	})
	return w
}

func (w *writer) run(ctx context.Context) {
	last := time.Now()
	for n := 1; ctx.Err() == nil; {
		_, err := w.js.Publish(w.subject, fmt.Appendf(nil, "%s %d", w.name, n), nats.MsgId(fmt.Sprint(w.name, "-", n)), nats.AckWait(time.Second))
		now := time.Now()
		w.mu.Lock()
		w.last = err
		if err == nil {
			w.acked = n
			w.gaps = append(w.gaps, now.Sub(last))
			last = now.Add(writeAfter)
			n++
		}
		w.mu.Unlock()
		pause(ctx, writeAfter)
	}
}

// so returns how many messages were acknowledged so far, and why the last one was not.
func (w *writer) so() (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acked, w.last
}

// waits returns how long the writer waited for acknowledgements since it began, or since this was
// asked last: of a hundred, the one that was longer than 99; and the longest.
func (w *writer) waits() (p99, most time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sorted := slices.Sorted(slices.Values(w.gaps))
	w.gaps = nil
	if len(sorted) == 0 {
		return 0, 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*99/100)], sorted[len(sorted)-1]
}

func (w *writer) end() {
	w.stop()
	w.running.Wait()
}

// goesOn waits until some writers have had another few messages acknowledged.
func (c *chainMesh) goesOn(why string, writers ...*writer) {
	c.t.Helper()
	const few = 5
	for _, w := range writers {
		before, _ := w.so()
		c.wait(func() string {
			now, err := w.so()
			return fmt.Sprintf("%s: chain %d takes messages: %d of %s were acknowledged since, and then: %v\n%s", why, w.chain, now-before, w.name, err, c.said(w.chain))
		}, func() bool {
			now, _ := w.so()
			return now >= before+few
		})
	}
}
