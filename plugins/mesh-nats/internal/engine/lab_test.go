package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lab is a cluster of servers in this process.
type lab struct {
	testing.TB
	nodes map[string]*labNode
	names []string
}

type labNode struct {
	srv  *server.Server
	nc   *nats.Conn
	tags *Tags
	*Client
}

// newLab starts so many servers, "a", "b" and so on, and waits until they are one cluster.
func newLab(t testing.TB, servers int) *lab {
	t.Helper()
	l := &lab{TB: t, nodes: map[string]*labNode{}}
	host := fmt.Sprintf("127.%d.%d.%d", 10+rand.IntN(200), rand.IntN(250), 1+rand.IntN(250)) // of this lab alone
	var routes []*url.URL
	var ports []int
	for range servers {
		port := freePort(t, host)
		ports = append(ports, port)
		routes = append(routes, &url.URL{Scheme: "nats-route", Host: fmt.Sprintf("%s:%d", host, port)})
	}
	for i := range servers {
		name := string(rune('a' + i))
		l.names = append(l.names, name)
		opts := &server.Options{
			ServerName: name, Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: folder(t), JetStreamMaxMemory: 1 << 20, JetStreamMaxStore: 4 << 30,
			Tags:    []string{"always"},
			Cluster: server.ClusterOpts{Name: "lab", Host: host, Port: ports[i], PoolSize: -1},
			Routes:  slices.Clone(routes),
		}
		Sorted(opts)
		srv, err := server.NewServer(opts)
		if err != nil {
			t.Fatal(err)
		}
		srv.Start()
		n := &labNode{srv: srv, tags: NewTags(srv, opts)}
		l.nodes[name] = n
		t.Cleanup(func() {
			srv.Shutdown()
			srv.WaitForShutdown()
		})
	}
	for _, name := range l.names {
		n := l.nodes[name]
		testkit.Until(t, name+" is ready", func() bool { return n.srv.ReadyForConnections(10 * time.Millisecond) })
		nc, err := nats.Connect("", nats.InProcessServer(n.srv), nats.NoReconnect())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		n.nc, n.Client = nc, NewClient(nc)
	}
	testkit.Until(t, "the servers are one cluster", func() bool {
		return slices.ContainsFunc(l.names, func(name string) bool {
			s := l.nodes[name].srv
			return s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == servers
		})
	})
	return l
}

func now() time.Time { return time.Now() }

// freePort returns a port of an address that nobody else uses.
func freePort(t testing.TB, host string) int {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// folder returns a folder in memory where there is one.
func folder(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "mesh-nats-engine-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func config(stream string) *server.StreamConfig {
	return &server.StreamConfig{
		Name: stream, Subjects: []string{"x." + stream + ".>"}, Storage: server.FileStorage,
		Placement: &server.Placement{Tags: []string{stream}}, MaxMsgs: -1, MaxBytes: -1,
	}
}

// make makes a change: the targets bear the tag, and drop it at the end.
func (l *lab) make(c chains.Change, each func(*chains.Move)) error {
	l.Helper()
	began := time.Now()
	bear := slices.Clone(c.Targets)
	if c.Victim != "" && l.nodes[c.Victim].srv.Running() {
		bear = append(bear, c.Victim)
	}
	for _, target := range bear {
		if err := l.nodes[target].tags.Bear(c.Stream, began.Add(time.Minute)); err != nil {
			l.Fatal(err)
		}
	}
	asks := l.nodes["a"]
	if c.Self != "" {
		asks = l.nodes[c.Self]
	}
	ctx, cancel := context.WithTimeout(l.Context(), 90*time.Second)
	defer cancel()
	m := chains.New(c, 30*time.Second, time.Now())
	err := asks.Run(ctx, m, config(c.Stream), each)
	for _, target := range bear {
		if !l.nodes[target].srv.Running() {
			continue
		}
		if err := l.nodes[target].tags.Drop(c.Stream); err != nil {
			l.Fatal(err)
		}
	}
	l.Logf("%s: %v after %.2f s", c, err, time.Since(began).Seconds())
	l.dropped(asks, c.Stream, bear)
	return err
}

// dropped waits until the cluster has heard that these bear a tag no more: until then it would
// send the next replica to one of them.
func (l *lab) dropped(asks *labNode, tag string, bore []string) {
	l.Helper()
	if slices.ContainsFunc(bore, func(name string) bool { return !l.nodes[name].srv.Running() }) {
		return // what it said last stays
	}
	probe := config("probe")
	probe.Placement.Tags = []string{tag}
	testkit.Until(l, "nobody is known to bear "+tag, func() bool {
		a := asks.Do(l.Context(), chains.New(chains.Change{Kind: chains.Create, Stream: "probe", Replicas: 1}, 0, now()), chains.AskCreate, probe)
		if a.Code == chains.CodeNoPeers {
			return true
		}
		_ = asks.Delete(l.Context(), "probe")
		return false
	})
}

// must makes a change that has to be done, and looks who holds the stream then.
func (l *lab) must(c chains.Change, want ...string) {
	l.Helper()
	l.surely(c)
	l.held(c.Stream, want...)
}

// surely makes a change, however often. On a machine that has more to do the leader may change
// meanwhile, or a target seem silent.
func (l *lab) surely(c chains.Change) {
	l.Helper()
	for began := time.Now(); time.Since(began) < testkit.Patience; <-time.After(100 * time.Millisecond) {
		if c.Self != "" {
			c.Self = l.quiet(c.Stream).Leader
		}
		if c.Kind == chains.Shrink && c.Self != "" && l.info(c.Stream).Replicas == c.Replicas {
			return
		}
		err := l.make(c, nil)
		if err == nil {
			return
		}
		var elsewhere *chains.ElsewhereError
		var cancelled *chains.CancelledError
		var leaderless *chains.LeaderlessError
		var busy *chains.BusyError
		var refused *chains.RefusedError
		if !errors.As(err, &elsewhere) && !errors.As(err, &cancelled) && !errors.As(err, &leaderless) && !errors.As(err, &busy) && !errors.As(err, &refused) {
			l.Fatal(err)
		}
		if c.Kind != chains.Create && !slices.ContainsFunc(l.quiet(c.Stream).Peers, func(p chains.Peer) bool { return p.Name == c.Victim }) && c.Victim != "" {
			return // the next leader saw to it
		}
	}
	l.Fatalf("not done: %s", c)
}

func (l *lab) info(stream string) chains.Info {
	l.Helper()
	var i chains.Info
	testkit.Until(l, "somebody says how "+stream+" is", func() bool {
		for _, name := range l.names {
			n := l.nodes[name]
			if !n.srv.Running() {
				continue
			}
			var err error
			if i, err = n.Info(l.Context(), stream); err == nil && i.Leader != "" {
				return true
			}
		}
		return false
	})
	return i
}

func (l *lab) held(stream string, want ...string) {
	l.Helper()
	i := l.info(stream)
	var got []string
	for _, p := range i.Peers {
		got = append(got, p.Name)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || i.Changing {
		l.Fatalf("%s is held by %v, not %v: %+v", stream, got, want, i)
	}
}

// quiet waits until no change of a stream is under way.
func (l *lab) quiet(stream string) chains.Info {
	l.Helper()
	var i chains.Info
	testkit.Until(l, "no change of "+stream+" is under way", func() bool {
		i = l.info(stream)
		return !i.Changing
	})
	return i
}

// settled waits until nothing is under way of a stream.
func (l *lab) settled(stream string) chains.Info {
	l.Helper()
	var i chains.Info
	testkit.Until(l, "nothing is under way of "+stream, func() bool {
		i = l.info(stream)
		return !i.Changing && !slices.ContainsFunc(i.Peers, func(p chains.Peer) bool { return !p.Current })
	})
	return i
}

func (l *lab) leader(stream string) string { l.Helper(); return l.info(stream).Leader }

// write publishes messages of a size, and waits until the stream has them.
func (l *lab) write(stream string, messages, size int) {
	l.Helper()
	js, err := l.nodes["a"].nc.JetStream(nats.PublishAsyncMaxPending(256))
	if err != nil {
		l.Fatal(err)
	}
	body := make([]byte, size)
	for range messages {
		if _, err := js.PublishAsync("x."+stream+".y", body, nats.StallWait(time.Minute)); err != nil {
			l.Fatal(err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(time.Minute):
		l.Fatal("not taken")
	}
}

// writer publishes numbers until it is stopped, and returns those that were acknowledged.
type writer struct {
	stop func() []uint64
	gap  time.Duration // the longest without an acknowledgement
}

func (l *lab) startWriter(on, stream string) *writer {
	l.Helper()
	js, err := l.nodes[on].nc.JetStream()
	if err != nil {
		l.Fatal(err)
	}
	ctx, cancel := context.WithCancel(l.Context())
	w := &writer{}
	result := make(chan []uint64)
	go func() {
		var acked []uint64
		last := time.Now()
		for i := 1; ctx.Err() == nil; i++ {
			for { // the same number until it is acknowledged: the id keeps it from being taken twice
				ack, err := js.Publish("x."+stream+".w", fmt.Append(nil, i), nats.MsgId(fmt.Sprint(i)), nats.AckWait(500*time.Millisecond))
				if err == nil {
					acked = append(acked, ack.Sequence)
					w.gap = max(w.gap, time.Since(last))
					last = time.Now()
					break
				}
				if errors.Is(err, nats.ErrConnectionClosed) {
					result <- acked
					return
				}
				time.Sleep(5 * time.Millisecond) // the pace of a client that tries again
			}
		}
		result <- acked
	}()
	w.stop = func() []uint64 {
		cancel()
		return <-result
	}
	return w
}

// complete checks that a stream has what a writer's acknowledgements say, once and in order.
func (l *lab) complete(stream string, acked []uint64) {
	l.Helper()
	js, err := l.nodes["a"].nc.JetStream()
	if err != nil {
		l.Fatal(err)
	}
	sub, err := js.SubscribeSync("x."+stream+".w", nats.OrderedConsumer())
	if err != nil {
		l.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	for i, seq := range acked {
		m, err := sub.NextMsg(20 * time.Second)
		if err != nil {
			l.Fatalf("message %d of %d: %v", i+1, len(acked), err)
		}
		meta, err := m.Metadata()
		if err != nil {
			l.Fatal(err)
		}
		if string(m.Data) != fmt.Sprint(i+1) || meta.Sequence.Stream != seq {
			l.Fatalf("message %d is %q with the number %d, not %d", i+1, m.Data, meta.Sequence.Stream, seq)
		}
	}
}
