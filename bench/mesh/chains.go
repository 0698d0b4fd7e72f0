package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/meshos/meshos/internal/meshlab"
)

// drained is what programs felt while a node was emptied.
type drained struct {
	took  time.Duration // until it held no stream
	gaps  []time.Duration
	leads []int // how many streams each node led before, sorted
}

func (d drained) String() string {
	return fmt.Sprintf("empty after %s; publish p50 %s, p99 %s, longest %s; led before by %v",
		seconds(d.took), millis(share(d.gaps, 0.5)), millis(share(d.gaps, 0.99)), millis(share(d.gaps, 1)), d.leads)
}

// writeEvery is how often each program publishes.
const writeEvery = 10 * time.Millisecond

// drains empties one of five nodes with a number of streams of three replicas, under one writer
// each: by meshos, by JetStream's own evacuation, and by hand.
func drains(ctx context.Context, bin string, streams, rounds int) error {
	for range rounds {
		for _, way := range []struct {
			name string
			run  func(ctx context.Context, bin string, streams int) (drained, error)
		}{{"meshos admin drain", byMeshos}, {"SERVER.EVACUATE", byEngine}, {"LEADER.STEPDOWN, then PEER.REMOVE, one after the other", byHand}} {
			got, err := way.run(ctx, bin, streams)
			text := got.String()
			if err != nil {
				text = "not measured: " + err.Error()
			}
			fmt.Printf("| drain of a node, %d streams and writers: %s | %s |\n", streams, way.name, text)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

func byMeshos(ctx context.Context, bin string, streams int) (out drained, err error) {
	dir, err := os.MkdirTemp("", "bm")
	if err != nil {
		return out, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	lab, err := meshlab.New(bin, dir, 5, true)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	lab.Chains = true
	if err := lab.Found(ctx, 5); err != nil {
		return out, err
	}
	if err := lab.Ready(ctx); err != nil {
		return out, err
	}
	for i := range streams {
		_, err := lab.Node(1).Run(ctx, "chain", "create", fmt.Sprint("s", i+1), "--subject", fmt.Sprintf("s%d.>", i+1), "--yes", "--reason", "bench")
		if err != nil {
			return out, err
		}
	}
	f := fleet{streams: streams, connect: func(node int) (*nats.Conn, error) {
		n := lab.Node(node)
		return nats.Connect("nats://"+n.Programs(), nats.Token(meshlab.ProgramsToken), nats.SetCustomDialer(n), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), silent)
	}}
	return f.drain(ctx, func(server string) error {
		id := strings.TrimPrefix(server, "hub-")
		_, err := lab.Node(1).Run(ctx, "admin", "drain", "--node", id, "--yes", "--reason", "bench")
		return err
	})
}

func byEngine(ctx context.Context, _ string, streams int) (drained, error) {
	return plain(ctx, streams, func(sys, _ *nats.Conn, victim string, _ []string) error {
		return ask(sys, "$JS.API.SERVER.EVACUATE", server.JSApiMetaServerEvacuateRequest{Server: victim})
	})
}

func byHand(ctx context.Context, _ string, streams int) (drained, error) {
	return plain(ctx, streams, func(_, nc *nats.Conn, victim string, names []string) error {
		js, err := nc.JetStream()
		if err != nil {
			return err
		}
		for _, name := range names {
			i, err := js.StreamInfo(name)
			if err != nil {
				return err
			}
			leads := i.Cluster.Leader == victim
			if leads {
				if err := ask(nc, "$JS.API.STREAM.LEADER.STEPDOWN."+name, struct{}{}); err != nil {
					return err
				}
			}
			if leads || slices.ContainsFunc(i.Cluster.Replicas, func(p *nats.PeerInfo) bool { return p.Name == victim }) {
				for ask(nc, "$JS.API.STREAM.PEER.REMOVE."+name, map[string]string{"peer": victim}) != nil {
					if !pause(ctx, 100*time.Millisecond) {
						return ctx.Err()
					}
				}
			}
		}
		return nil
	})
}

func ask(nc *nats.Conn, subject string, what any) error {
	raw, err := json.Marshal(what)
	if err != nil {
		return err
	}
	m, err := nc.Request(subject, raw, 10*time.Second)
	if err != nil {
		return fmt.Errorf("%s: %w", subject, err)
	}
	var said server.ApiResponse
	if err := json.Unmarshal(m.Data, &said); err != nil || said.Error != nil {
		return fmt.Errorf("%s: %w", subject, cmp.Or(err, error(said.Error)))
	}
	return nil
}

// plain has five servers of the engine alone, with streams that it places itself.
func plain(ctx context.Context, streams int, empty func(sys, nc *nats.Conn, victim string, names []string) error) (out drained, err error) {
	dir, err := os.MkdirTemp("", "bm")
	if err != nil {
		return out, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	const first, routes = 14200, 14300
	var urls []string
	for i := range 5 {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", routes+i))
	}
	var all []*server.Server
	defer func() {
		for _, s := range all {
			s.Shutdown()
			s.WaitForShutdown()
		}
	}()
	for i := range 5 {
		config := filepath.Join(dir, strconv.Itoa(i)+".conf")
		text := fmt.Sprintf(`server_name: "hub-%d"
listen: "127.0.0.1:%d"
jetstream { store_dir: %q, sync_interval: always }
cluster { name: bench, listen: "127.0.0.1:%d", routes: [%s] }
accounts { A { jetstream: enabled, users: [{user: a, password: a}] }, $SYS { users: [{user: sys, password: sys}] } }
`, i+1, first+i, filepath.Join(dir, strconv.Itoa(i)), routes+i, strings.Join(urls, ", "))
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			return out, err
		}
		opts, err := server.ProcessConfigFile(config)
		if err != nil {
			return out, err
		}
		opts.NoSigs, opts.NoLog = true, true
		s, err := server.NewServer(opts)
		if err != nil {
			return out, err
		}
		s.Start()
		all = append(all, s)
	}
	connect := func(node int) (*nats.Conn, error) {
		return nats.Connect(fmt.Sprintf("nats://127.0.0.1:%d", first+node-1), nats.UserInfo("a", "a"), nats.MaxReconnects(-1), silent)
	}
	for !slices.ContainsFunc(all, (*server.Server).JetStreamIsLeader) || !all[0].JetStreamIsCurrent() {
		if !pause(ctx, 50*time.Millisecond) {
			return out, ctx.Err()
		}
	}
	nc, err := connect(1)
	if err != nil {
		return out, err
	}
	defer nc.Close()
	sys, err := nats.Connect(fmt.Sprintf("nats://127.0.0.1:%d", first), nats.UserInfo("sys", "sys"))
	if err != nil {
		return out, err
	}
	defer sys.Close()
	js, err := nc.JetStream()
	if err != nil {
		return out, err
	}
	var names []string
	for i := range streams {
		name := fmt.Sprint("c", i+1)
		names = append(names, name)
		for {
			_, err := js.AddStream(&nats.StreamConfig{Name: name, Subjects: []string{fmt.Sprintf("s%d.>", i+1)}, Replicas: 3})
			if err == nil {
				break
			}
			if !pause(ctx, 100*time.Millisecond) {
				return out, err
			}
		}
	}
	f := fleet{streams: streams, connect: connect}
	return f.drain(ctx, func(victim string) error { return empty(sys, nc, victim, names) })
}

// silent has a client not print what it goes on from.
func silent(o *nats.Options) error {
	o.AsyncErrorCB = func(*nats.Conn, *nats.Subscription, error) {}
	return nil
}

// fleet is programs that write to streams c1, c2 …, one each.
type fleet struct {
	streams int
	connect func(node int) (*nats.Conn, error)

	mu   sync.Mutex
	gaps []time.Duration
}

// drain has the server emptied that leads most, while the programs write.
func (f *fleet) drain(ctx context.Context, empty func(server string) error) (out drained, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	nc, err := f.connect(1)
	if err != nil {
		return out, err
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		return out, err
	}
	led := map[string]int{}
	for i := range f.streams {
		for {
			info, err := js.StreamInfo(fmt.Sprint("c", i+1))
			if err == nil && info.Cluster.Leader != "" && len(info.Cluster.Replicas) == 2 {
				led[info.Cluster.Leader]++
				break
			}
			if !pause(ctx, 50*time.Millisecond) {
				return out, fmt.Errorf("stream %d is not placed: %w", i+1, errors.Join(err, ctx.Err()))
			}
		}
	}
	victim := ""
	for name, n := range led {
		out.leads = append(out.leads, n)
		if n > led[victim] || n == led[victim] && name < victim {
			victim = name
		}
	}
	slices.Sort(out.leads)
	writing, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	for i := range f.streams {
		all.Go(func() { f.write(writing, 1+i%5, i+1) })
	}
	pause(ctx, 2*time.Second)
	f.mu.Lock()
	f.gaps = nil
	f.mu.Unlock()
	began := time.Now()
	if err := empty(victim); err != nil {
		return out, err
	}
	for i := 0; i < f.streams; {
		info, err := js.StreamInfo(fmt.Sprint("c", i+1))
		if err == nil && info.Cluster.Leader != victim && info.Cluster.Desired == nil && len(info.Cluster.Replicas) == 2 &&
			!slices.ContainsFunc(info.Cluster.Replicas, func(p *nats.PeerInfo) bool { return p.Name == victim || !p.Current }) {
			i++
			continue
		}
		if !pause(ctx, 20*time.Millisecond) {
			return out, fmt.Errorf("%s still holds stream %d", victim, i+1)
		}
	}
	out.took = time.Since(began)
	stop()
	all.Wait()
	out.gaps = f.gaps
	return out, nil
}

func (f *fleet) write(ctx context.Context, node, stream int) {
	nc, err := f.connect(node)
	if err != nil {
		return
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		return
	}
	last := time.Now()
	for n := 1; ctx.Err() == nil; {
		_, err := js.Publish(fmt.Sprintf("s%d.new", stream), make([]byte, 200), nats.MsgId(fmt.Sprint(stream, "-", n)), nats.AckWait(500*time.Millisecond))
		if err == nil {
			f.mu.Lock()
			f.gaps = append(f.gaps, time.Since(last))
			f.mu.Unlock()
			last = time.Now().Add(writeEvery)
			n++
		}
		pause(ctx, writeEvery)
	}
}
