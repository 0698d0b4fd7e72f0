package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// world is a mesh on addresses of the loopback interface, each machine with one of its own.
type world struct {
	testing.TB
	network string
	seeds   []string
	session pluginsdk.Duration
	chains  []*meshosv1.SetChain

	mu       sync.Mutex
	machines map[uint64]*machine
}

// machine plays the host of one node.
type machine struct {
	*world
	id    uint64
	seed  []byte // of the link key
	dir   string
	cfg   config
	calls *plugintest.Client
	mesh  pluginv1.MeshClient
	log   *plugintest.Buffer
	end   func()

	mu      sync.Mutex
	entries []*meshosv1.LoggedEntry // its record
	base    uint64                  // heights before the record
	drop    uint64                  // it needs nothing up to that height
	peers   map[uint64]*pluginv1.PeerChange
	all     bool
	link    *meshosv1.MeshLink
	joining [][]byte

	plugin    *node         // as the process has it
	scrub     time.Duration // how often it looks for rot
	failed    []string      // what it had the host record
	draining  bool
	rack      string
	leaving   bool
	cancelled int // questions
}

// newWorld makes a mesh of so many seeds; nothing runs yet.
func newWorld(t testing.TB, seeds int) *world {
	w := &world{TB: t, network: fmt.Sprintf("127.%d.%d", 10+rand.IntN(200), rand.IntN(250)), machines: map[uint64]*machine{}, session: pluginsdk.Duration(3 * time.Second)}
	for id := 1; id <= seeds; id++ {
		w.seeds = append(w.seeds, w.address(uint64(id)))
	}
	return w
}

// folder returns a folder in memory where there is one: each seed makes each entry durable, and
// the disk of a machine that runs tests has more to do.
func (w *world) folder() string {
	w.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "mesh-nats-test-*")
	if err != nil {
		return w.TempDir()
	}
	w.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (w *world) address(id uint64) string { return fmt.Sprintf("%s.%d:7420", w.network, id) }

// add makes a machine and, unless it is a stranger, a member of it.
func (w *world) add(id uint64) *machine {
	m := &machine{
		world: w, id: id, seed: make([]byte, ed25519.SeedSize), dir: w.folder(), log: &plugintest.Buffer{},
		cfg:   config{Seeds: w.seeds, Session: w.session, Beacon: pluginsdk.Duration(500 * time.Millisecond)},
		peers: map[uint64]*pluginv1.PeerChange{}, link: &meshosv1.MeshLink{},
	}
	if int(id) <= len(w.seeds) {
		m.cfg.Listen = w.address(id)
	}
	for i := range m.seed {
		m.seed[i] = byte(rand.IntN(256))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.machines[id] = m
	return m
}

func (m *machine) key() []byte {
	return ed25519.NewKeyFromSeed(m.seed).Public().(ed25519.PublicKey)
}

func (m *machine) member() *pluginv1.Member {
	return &pluginv1.Member{Id: m.id, Name: fmt.Sprintf("m%d", m.id), LinkKey: m.key(), Seed: m.cfg.Listen != "", Chains: m.cfg.ChainsListen != ""}
}

// start runs the plugin of a machine, until the test or stop ends it.
func (m *machine) start() *machine {
	m.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	inner := &scope{TB: m.TB}
	construct := func(env pluginsdk.Env, cfg config) (*node, error) {
		n, err := newNode(env, cfg)
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.plugin = n; err == nil && m.scrub > 0 {
			n.scrubEvery = m.scrub
		}
		return n, err
	}
	m.calls = plugintest.Start(inner, construct, m.cfg, plugintest.WithNode(m.id), plugintest.WithDataDir(m.dir), plugintest.WithLogs(m.log),
		plugintest.WithMesh(&pluginv1.MeshIdentity{LinkSeed: m.seed, Incarnation: rand.Uint64(), Name: fmt.Sprintf("m%d", m.id)}))
	m.mesh = pluginv1.NewMeshClient(m.calls.Conn())
	var once sync.Once
	m.end = func() {
		once.Do(func() {
			cancel()
			inner.end()
			running.Wait()
			m.mesh = nil
		})
	}
	m.Cleanup(func() {
		m.end()
		if m.Failed() {
			m.Logf("--- log of m%d:\n%s", m.id, m.log)
		}
	})
	running.Go(func() { m.follow(ctx) })
	running.Go(func() { m.tell(ctx) })
	return m
}

// scope runs cleanups before the end of the test.
type scope struct {
	testing.TB
	cleanups []func()
}

func (s *scope) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }
func (s *scope) end() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}

// node returns the instance of the plugin.
func (m *machine) node() *node {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.plugin
}

// drain has the host say that its node drains, or not any more.
func (m *machine) drain(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.draining = on
}

func (m *machine) setMembers(req *pluginv1.SetMembersRequest) {
	m.Helper()
	if _, err := m.mesh.SetMembers(m.Context(), req); err != nil {
		m.Fatal(err)
	}
}

// everybody makes all machines members of each other.
func (w *world) everybody() {
	w.Helper()
	req := &pluginv1.SetMembersRequest{Chains: w.chains}
	for _, id := range slices.Sorted(maps.Keys(w.machines)) {
		req.Members = append(req.Members, w.machines[id].member())
	}
	for _, m := range w.machines {
		if m.mesh != nil {
			own := proto.CloneOf(req)
			own.First, own.DropThrough = m.base+1, m.drop
			m.setMembers(own)
		}
	}
}

func (m *machine) height() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.base + uint64(len(m.entries))
}

func (m *machine) follow(ctx context.Context) {
	for ctx.Err() == nil {
		from := &pluginv1.FollowRequest{Height: m.height()}
		stream, err := m.mesh.Follow(ctx, from)
		for err == nil {
			var batch *pluginv1.MeshBatch
			if batch, err = stream.Recv(); err == nil {
				m.take(batch)
			}
		}
		if sleep(ctx, 50*time.Millisecond) && status.Code(err) != codes.Unavailable {
			m.Errorf("m%d: Follow: %v", m.id, err)
			return
		}
	}
}

func (m *machine) take(batch *pluginv1.MeshBatch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = append(m.entries, batch.GetOrdered()...)
	for _, p := range batch.GetPeers() {
		if p.GetSummary() == nil { // as it said before
			p.Summary = m.peers[p.GetId()].GetSummary()
		}
		m.peers[p.GetId()] = p
	}
	m.all = m.all || batch.GetPeersComplete()
	if batch.GetLink() != nil {
		m.link = batch.GetLink()
	}
	m.joining = append(m.joining, batch.GetJoining()...)
	for _, f := range batch.GetFailures() {
		m.failed = append(m.failed, f.GetSource()+": "+f.GetReason())
	}
}

// tell makes a tick thirty times in the length of a session, as a fast loop.
func (m *machine) tell(ctx context.Context) {
	for tick := uint64(1); ; tick++ {
		m.mu.Lock()
		if m.leaving {
			m.mu.Unlock()
			return
		}
		said := &pluginv1.TellRequest{Tick: tick, Self: &meshosv1.NodeSummary{Name: fmt.Sprintf("m%d", m.id), Height: m.base + uint64(len(m.entries)), Draining: m.draining}}
		if m.rack != "" {
			said.Self.Labels = map[string]string{"rack": m.rack}
		}
		every := m.cfg.session() / 30
		m.mu.Unlock()
		if _, err := m.mesh.Tell(ctx, said); err != nil && ctx.Err() == nil {
			m.Errorf("m%d: Tell: %v", m.id, err)
		}
		if !sleep(ctx, every) {
			return
		}
	}
}

// leave ends a machine in order.
func (m *machine) leave() {
	m.Helper()
	m.mu.Lock()
	m.leaving = true
	m.mu.Unlock()
	if _, err := m.mesh.Tell(m.Context(), &pluginv1.TellRequest{Leaving: true}); err != nil {
		m.Error(err)
	}
	m.end()
	m.leaving = false
}

func (m *machine) record() []*meshosv1.LoggedEntry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.entries)
}

func (m *machine) linkNow() *meshosv1.MeshLink {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.link
}

func (m *machine) peer(id uint64) *pluginv1.PeerChange {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.peers[id]
}

// order orders an entry at the height after this machine's record, until the log has it.
func (m *machine) order(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, testkit.Patience)
	defer cancel()
	for {
		err := m.orderAt(ctx, m.height()+1, text)
		if code := status.Code(err); code != codes.Aborted && code != codes.Unavailable {
			return err
		}
		if !sleep(ctx, time.Duration(rand.IntN(20))*time.Millisecond) { // else one machine may lose for ever
			return fmt.Errorf("%s: %w", text, err)
		}
	}
}

func (m *machine) orderAt(ctx context.Context, height uint64, text string) error {
	id := sha256.Sum256([]byte(text))
	_, err := m.mesh.Order(ctx, &pluginv1.OrderRequest{Entry: []byte(text), Height: height, Id: id[:16]})
	return err
}

// refill orders what is in a record again, with its log times.
func (m *machine) refill(ctx context.Context, record []*meshosv1.LoggedEntry) error {
	return m.refillFrom(ctx, 1, record)
}

// refillFrom is refill of a record that begins at a height.
func (m *machine) refillFrom(ctx context.Context, first uint64, record []*meshosv1.LoggedEntry) error {
	for i, e := range record {
		id := sha256.Sum256(e.GetEntry())
		_, err := m.mesh.Order(ctx, &pluginv1.OrderRequest{Entry: e.GetEntry(), Height: first + uint64(i), Id: id[:16], LogTime: e.GetLogTime()})
		if err != nil && status.Code(err) != codes.Aborted {
			return err
		}
	}
	return nil
}

func (w *world) until(what string, done func() bool) {
	w.Helper()
	testkit.Until(w, what, done)
}

// takesOrders waits until machines know a log that takes orders.
func (w *world) takesOrders(machines ...*machine) {
	w.Helper()
	for _, m := range machines {
		w.until(fmt.Sprintf("m%d knows that the log takes orders", m.id), func() bool { return m.linkNow().GetQuorum() })
	}
}

// settled waits until the seeds have looked several times, and all of them have the log.
func (w *world) settled(machines ...*machine) {
	w.Helper()
	for _, m := range machines {
		var since time.Time
		w.until(fmt.Sprintf("all is well for m%d", m.id), func() bool {
			if l := m.linkNow(); !l.GetQuorum() || l.GetAlarm() != "" {
				since = time.Time{}
			} else if since.IsZero() {
				since = time.Now()
			}
			return !since.IsZero() && time.Since(since) > 4*time.Duration(m.cfg.Beacon)
		})
	}
}

// founded starts a mesh of so many seeds and leaves, and orders its first entry.
func founded(t testing.TB, seeds, leaves int) (*world, []*machine) {
	t.Helper()
	return foundedWith(t, seeds, leaves, pluginsdk.Duration(3*time.Second))
}

// foundedWith is founded with sessions of that length.
func foundedWith(t testing.TB, seeds, leaves int, session pluginsdk.Duration) (*world, []*machine) {
	t.Helper()
	w := newWorld(t, seeds)
	w.session = session
	var all []*machine
	for id := 1; id <= seeds+leaves; id++ {
		all = append(all, w.add(uint64(id)))
	}
	for _, m := range all {
		m.start()
	}
	w.found(all[0])
	w.takesOrders(all...)
	if err := all[0].order(t.Context(), "founding"); err != nil {
		t.Fatal(err)
	}
	w.same(1, all...)
	return w, all
}

// found makes all machines members of each other, and has one found the mesh.
func (w *world) found(founder *machine) {
	w.Helper()
	w.everybody()
	req := &pluginv1.SetMembersRequest{Found: true}
	for _, id := range slices.Sorted(maps.Keys(w.machines)) {
		req.Members = append(req.Members, w.machines[id].member())
	}
	founder.setMembers(req)
}

// same waits until machines have records of that height, and checks that they are equal.
func (w *world) same(height int, machines ...*machine) {
	w.Helper()
	for _, m := range machines {
		w.until(fmt.Sprintf("m%d has %d entries", m.id, height), func() bool { return len(m.record()) >= height })
		first, record := machines[0].record(), m.record()
		for i := range height {
			if !bytes.Equal(record[i].GetEntry(), first[i].GetEntry()) || !record[i].GetLogTime().AsTime().Equal(first[i].GetLogTime().AsTime()) {
				w.Fatalf("entry %d: m%d has %v, m%d has %v", i+1, m.id, record[i], machines[0].id, first[i])
			}
		}
	}
}
