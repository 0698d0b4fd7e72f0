package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// chainHosts are machines whose hosts listen to what the plugin says of chains.
type chainHosts struct {
	*world
	mu    sync.Mutex
	holds map[uint64]map[uint64]map[uint64]bool // host, chain, holders
	leads map[uint64]map[uint64]uint64
	has   map[[2]uint64][]uint64 // who has all of a chain, as its leader says
}

// newChains starts a mesh of five seeds that hold chains; programs use the first.
func newChains(t *testing.T, change ...func(*machine)) (*chainHosts, []*machine) {
	t.Helper()
	return newChainsOn(t, 5, change...)
}

// newChainsOn starts a mesh of so many seeds that hold chains.
func newChainsOn(t *testing.T, seeds int, change ...func(*machine)) (*chainHosts, []*machine) {
	t.Helper()
	w := newWorld(t, seeds)
	c := &chainHosts{world: w, holds: map[uint64]map[uint64]map[uint64]bool{}, leads: map[uint64]map[uint64]uint64{}}
	var all []*machine
	for id := uint64(1); id <= uint64(seeds); id++ {
		m := w.add(id)
		m.cfg.Chains, m.cfg.ChainsMost, m.cfg.ChainsBytes = true, 1000, 1<<30
		for _, c := range change {
			c(m)
		}
		all = append(all, m)
	}
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a token of programs\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all[0].cfg.Clients, all[0].cfg.ClientsToken = w.network+".1:7430", token
	for _, m := range all {
		m.start()
	}
	w.found(all[0])
	w.takesOrders(all...)
	if err := all[0].order(t.Context(), "founding"); err != nil {
		t.Fatal(err)
	}
	w.same(1, all...)
	for _, m := range all {
		c.listen(t, m)
	}
	return c, all
}

// listen notes what a machine's plugin says of chains.
func (c *chainHosts) listen(t *testing.T, m *machine) {
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() {
		stream, err := pluginv1.NewEventSourceClient(m.calls.Conn()).Events(ctx, &pluginv1.EventsRequest{})
		for err == nil {
			var batch *pluginv1.EventBatch
			if batch, err = stream.Recv(); err == nil {
				for _, e := range batch.GetEvents() {
					c.note(m.id, e)
				}
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		reading.Wait()
	})
}

func (c *chainHosts) note(host uint64, e *meshosv1.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holds[host] == nil {
		c.holds[host], c.leads[host] = map[uint64]map[uint64]bool{}, map[uint64]uint64{}
	}
	switch k := e.GetKind().(type) {
	case *meshosv1.Event_ReplicaUpdate:
		u := k.ReplicaUpdate
		if c.holds[host][u.GetChain()] == nil {
			c.holds[host][u.GetChain()] = map[uint64]bool{}
		}
		if u.GetKind() == meshosv1.ReplicaUpdate_KIND_ADDED {
			c.holds[host][u.GetChain()][u.GetHolder()] = true
		} else {
			delete(c.holds[host][u.GetChain()], u.GetHolder())
		}
	case *meshosv1.Event_ReplicaCurrent:
		if c.has == nil {
			c.has = map[[2]uint64][]uint64{}
		}
		c.has[[2]uint64{host, k.ReplicaCurrent.GetChain()}] = k.ReplicaCurrent.GetHolders()
	case *meshosv1.Event_ReplicaLeader:
		c.leads[host][k.ReplicaLeader.GetChain()] = k.ReplicaLeader.GetLeader()
	}
}

// current returns who has all of a chain, as a node says.
func (c *chainHosts) current(host, chain uint64) []uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.has[[2]uint64{host, chain}]
}

// holders returns who holds a chain, as its leader's host has heard; nil if none leads it.
func (c *chainHosts) holders(chain uint64) (leader uint64, holders []uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for host, leads := range c.leads {
		if leads[chain] == host && c.holds[host][chain][host] {
			return host, slices.Sorted(maps.Keys(c.holds[host][chain]))
		}
	}
	return 0, nil
}

// become waits until a chain is led, and held by so many, as they all say.
func (c *chainHosts) become(chain uint64, what string, ok func(leader uint64, holders []uint64) bool) (leader uint64, holders []uint64) {
	c.Helper()
	c.until(fmt.Sprintf("chain %d: %s", chain, what), func() bool {
		leader, holders = c.holders(chain)
		return leader != 0 && ok(leader, holders)
	})
	c.Logf("%s chain %d: %s: led by %d, held by %v", time.Now().Format("05.000"), chain, what, leader, holders)
	return leader, holders
}

func heldBy(n int) func(uint64, []uint64) bool {
	return func(_ uint64, holders []uint64) bool { return len(holders) == n }
}

// act has a machine carry an action out, however often it has to be tried.
func (m *machine) act(action *meshosv1.Action) {
	m.Helper()
	m.until(fmt.Sprintf("m%d carries out %v", m.id, action), func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_, err := pluginv1.NewActuatorClient(m.calls.Conn()).Dispatch(ctx, &pluginv1.DispatchRequest{ActionId: 1, Action: action})
		if err != nil && status.Code(err) != codes.Unavailable {
			m.Fatalf("m%d: %v: %v", m.id, action, err)
		}
		return err == nil
	})
}

func place(a *meshosv1.RequestPlacement) *meshosv1.Action {
	return &meshosv1.Action{Kind: &meshosv1.Action_RequestPlacement{RequestPlacement: a}}
}

// program connects as a program of the first machine.
func (c *chainHosts) program(t *testing.T, token string) (*nats.Conn, error) {
	t.Helper()
	nc, err := nats.Connect("nats://"+c.network+".1:7430", nats.Token(token), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // it is refused things below
	if err == nil {
		t.Cleanup(nc.Close)
	}
	return nc, err
}

func TestChainsAreCreatedMovedAndDeleted(t *testing.T) {
	c, all := newChains(t)
	chain := &meshosv1.SetChain{Chain: 7, Name: "orders", Replicas: 3, Stream: &meshosv1.ChainStream{Subjects: []string{"orders.>"}}}
	c.set(all, chain)
	leader, holders := c.become(7, "three hold it", heldBy(3))

	// Programs write and read.
	if _, err := c.program(t, "another token of programs"); err == nil {
		t.Error("a program with another token gets in")
	}
	nc, err := c.program(t, "a token of programs")
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"$JS.API.STREAM.DELETE.c7", "$JS.hub.API.STREAM.DELETE.c7", "$JS.API.STREAM.INFO.ADMIN", "m.consent.1.2", "$JS.API.STREAM.PEER.EVACUATE.c7", "$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED.c7"} {
		if m, err := nc.Request(subject, []byte("{}"), 200*time.Millisecond); err == nil {
			t.Errorf("a program may ask %s: %s", subject, m.Data)
		}
	}
	w := startWriter(t, nc, "orders.new")

	c.moved(all, leader, holders)

	// A follower's replica goes to a node that has none.
	free := missing(holders)[0]
	victim := slices.DeleteFunc(slices.Clone(holders), func(id uint64) bool { return id == leader })[0]
	all[leader-1].act(place(&meshosv1.RequestPlacement{Chain: 7, Target: &free, Replaces: &victim}))
	leader, holders = c.become(7, "the follower has moved", func(_ uint64, holders []uint64) bool {
		return len(holders) == 3 && slices.Contains(holders, free) && !slices.Contains(holders, victim)
	})

	// The leader's goes to any other that takes one: not to the one that drains.
	closed := missing(holders)[0]
	open := missing(holders)[1]
	all[closed-1].drain(true)
	c.until("the leader has heard of the drain", func() bool {
		h := all[leader-1].node().holder.Load()
		_, takes := h.open(time.Now())[closed]
		return !takes
	})
	all[leader-1].act(place(&meshosv1.RequestPlacement{Chain: 7, Replaces: &leader}))
	was := leader
	leader, holders = c.become(7, "the leader has moved", func(_ uint64, holders []uint64) bool {
		return len(holders) == 3 && slices.Contains(holders, open) && !slices.Contains(holders, was)
	})
	all[closed-1].drain(false)

	// One less, one more, and one that wants it.
	chain = proto.Clone(chain).(*meshosv1.SetChain)
	chain.Replicas = 2
	c.set(all, chain)
	victim = slices.DeleteFunc(slices.Clone(holders), func(id uint64) bool { return id == leader })[0]
	all[leader-1].act(&meshosv1.Action{Kind: &meshosv1.Action_RequestEviction{RequestEviction: &meshosv1.RequestEviction{Chain: 7, Victim: victim}}})
	leader, _ = c.become(7, "two hold it", heldBy(2))
	chain = proto.Clone(chain).(*meshosv1.SetChain)
	chain.Replicas = 3
	c.set(all, chain)
	all[leader-1].act(place(&meshosv1.RequestPlacement{Chain: 7}))
	_, holders = c.become(7, "three hold it again", heldBy(3))
	wants := missing(holders)[0]
	all[wants-1].act(&meshosv1.Action{Kind: &meshosv1.Action_PullReplica{PullReplica: &meshosv1.PullReplica{Chain: 7, Source: holders[0]}}})
	c.become(7, "the one that wants it has it", func(_ uint64, holders []uint64) bool { return slices.Contains(holders, wants) && len(holders) == 3 })

	// Another holder leads it, and all who hold it hear of that at once. It has to have all of it,
	// which the leader says.
	leader, holders = c.become(7, "somebody leads it", heldBy(3))
	next := slices.DeleteFunc(slices.Clone(holders), func(id uint64) bool { return id == leader })[0]
	c.until("the next leader has all of it", func() bool { return slices.Contains(c.current(leader, 7), next) })
	all[leader-1].act(&meshosv1.Action{Kind: &meshosv1.Action_TransferLeader{TransferLeader: &meshosv1.TransferLeader{Chain: 7, To: next}}})
	c.become(7, "it was handed over", func(leads uint64, _ []uint64) bool { return leads == next })
	c.until("all who hold it know who leads it", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, id := range holders {
			if c.leads[id][7] != next {
				return false
			}
		}
		return true
	})
	// Who does not lead it can't hand it over, and a node without a replica is given nothing.
	for _, bad := range []struct{ on, to uint64 }{{leader, holders[0]}, {next, missing(holders)[0]}} {
		if bad.to == next {
			continue
		}
		_, err := pluginv1.NewActuatorClient(all[bad.on-1].calls.Conn()).Dispatch(t.Context(), &pluginv1.DispatchRequest{
			ActionId: 1, Action: &meshosv1.Action{Kind: &meshosv1.Action_TransferLeader{TransferLeader: &meshosv1.TransferLeader{Chain: 7, To: bad.to}}},
		})
		if status.Code(err) != codes.Unavailable {
			t.Errorf("m%d hands chain 7 over to %d: %v", bad.on, bad.to, err)
		}
	}

	w.check(t)

	// The log of the mesh goes on, and nobody bears a tag.
	if err := all[0].order(t.Context(), "after all that"); err != nil {
		t.Error(err)
	}
	for _, m := range all {
		c.until(fmt.Sprintf("m%d bears no tag", m.id), func() bool { return len(m.node().holder.Load().tags.Borne()) == 0 })
	}

	gone := proto.Clone(chain).(*meshosv1.SetChain)
	gone.Deleted = true
	c.set(all, gone)
	c.until("the chain is gone everywhere", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, of := range c.holds {
			if len(of[7]) > 0 {
				return false
			}
		}
		return true
	})
}

// set tells all machines of the chains of the mesh.
func (c *chainHosts) set(all []*machine, chains ...*meshosv1.SetChain) {
	c.Helper()
	c.chains = chains
	c.everybody()
}

func missing(holders []uint64) (out []uint64) {
	for id := uint64(1); id <= 5; id++ {
		if !slices.Contains(holders, id) {
			out = append(out, id)
		}
	}
	return out
}
