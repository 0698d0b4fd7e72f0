package meshtest

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Options change a Network.
type Options struct {
	// Session is how long a node counts as there after it said something; 0 for 1 s.
	Session time.Duration
	// Now is the clock of the ordered log; nil for the real one.
	Now func() time.Time
}

// Network is a mesh in memory. Its methods may be called from several goroutines.
type Network struct {
	opts Options

	mu      sync.Mutex
	changed chan struct{} // closed when anything has changed
	nodes   map[uint64]*Node
	groups  map[uint64]int // nodes of different groups do not reach each other
	log     []logged
	dropped uint64 // how many entries the log had before those of log
	delay   time.Duration
	losing  bool
}

// logged is one entry of the ordered log.
type logged struct {
	entry *meshosv1.LoggedEntry
	id    string
	hash  []byte
}

// New returns a network without nodes.
func New(o Options) *Network {
	if o.Session <= 0 {
		o.Session = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Network{opts: o, changed: make(chan struct{}), nodes: make(map[uint64]*Node), groups: make(map[uint64]int)}
}

// Node returns the plugin of a node: the same one each time, as it is told by one host.
func (n *Network) Node(id uint64) *Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.nodes[id] == nil {
		n.nodes[id] = &Node{
			net: n, id: id, heard: make(map[uint64]time.Time), orderly: make(map[uint64]bool), asked: make(map[uint64]*question),
		}
	}
	return n.nodes[id]
}

// Cut has the nodes of each group reach only each other. Nodes in no group reach those that
// are in none, too.
func (n *Network) Cut(groups ...[]uint64) {
	n.change(func() {
		n.groups = make(map[uint64]int)
		for i, group := range groups {
			for _, id := range group {
				n.groups[id] = i + 1
			}
		}
	})
}

// Heal ends all cuts.
func (n *Network) Heal() { n.Cut() }

// Delay has everything that a node is told by the others come so much later.
func (n *Network) Delay(d time.Duration) { n.change(func() { n.delay = d }) }

// LoseAnswers has Order append entries and fail as if its answer was lost, or not any more.
func (n *Network) LoseAnswers(lose bool) { n.change(func() { n.losing = lose }) }

// SetBack drops the entries of the ordered log above a height, as an old backup of all seeds
// does.
func (n *Network) SetBack(height uint64) {
	n.change(func() {
		if height < n.dropped {
			n.dropped, n.log = height, nil
		}
		n.log = n.log[:min(height-n.dropped, uint64(len(n.log)))]
	})
}

// Dropped returns how many entries were dropped from the beginning of the log.
func (n *Network) Dropped() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dropped
}

// Log returns the entries of the ordered log, without those that were dropped.
func (n *Network) Log() (out []*meshosv1.LoggedEntry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.log {
		out = append(out, proto.CloneOf(l.entry))
	}
	return out
}

// Hash returns the hash of an entry, as in the prev of the entry after it.
func Hash(e *meshosv1.LoggedEntry) []byte {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, uint64(e.GetLogTime().AsTime().UnixNano())), e.GetEntry()...))
	return sum[:]
}

// change changes the network and wakes everybody.
func (n *Network) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	n.wake()
}

// wake is called with mu held, as everything below.
func (n *Network) wake() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// reach reports whether two nodes reach each other.
func (n *Network) reach(a, b uint64) bool { return n.groups[a] == n.groups[b] }

// seeds returns the seeds that any node knows.
func (n *Network) seeds() (ids []uint64) {
	for _, node := range n.nodes {
		for _, m := range node.members.GetMembers() {
			if m.GetSeed() && !slices.Contains(ids, m.GetId()) {
				ids = append(ids, m.GetId())
			}
		}
		if node.members.GetFound() && !slices.Contains(ids, node.id) {
			ids = append(ids, node.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// linked returns the seed that a node is linked with, which knows it as a member; 0 for none.
func (n *Network) linked(id uint64) uint64 {
	for _, seed := range n.seeds() {
		at := n.nodes[seed]
		if at != nil && at.members != nil && n.reach(id, seed) && (at.isMember(id) || seed == id) {
			return seed
		}
	}
	return 0
}

// quorum reports whether a node reaches more than half of the seeds.
func (n *Network) quorum(id uint64) bool {
	all, reached := n.seeds(), 0
	for _, seed := range all {
		if at := n.nodes[seed]; at != nil && at.members != nil && n.reach(id, seed) {
			reached++
		}
	}
	return n.linked(id) != 0 && 2*reached > len(all)
}

// end returns the height of the last entry.
func (n *Network) end() uint64 { return n.dropped + uint64(len(n.log)) }

// drop drops entries up to a height, but never the last one.
func (n *Network) drop(through uint64) {
	if through <= n.dropped || through >= n.end() {
		return
	}
	n.log, n.dropped = n.log[through-n.dropped:], through
}

// jump has the log begin where a record does, if nobody's record can fill up what comes before.
func (n *Network) jump() {
	first := uint64(0)
	for _, o := range n.nodes {
		if o.members == nil || !o.recorded {
			continue
		}
		if at := max(1, o.members.GetFirst()); first == 0 || at < first {
			first = at
		}
	}
	if first > n.end()+1 {
		n.log, n.dropped = nil, first-1
		n.wake()
	}
}

// append appends an entry. The time is 0 for the log's own.
func (n *Network) append(order *pluginv1.OrderRequest) {
	now := n.opts.Now()
	if len(n.log) > 0 {
		if last := n.log[len(n.log)-1].entry.GetLogTime().AsTime(); last.After(now) {
			now = last
		}
	}
	e := &meshosv1.LoggedEntry{Entry: slices.Clone(order.GetEntry()), LogTime: timestamppb.New(now), Height: order.GetHeight()}
	if order.GetLogTime() != nil {
		e.LogTime, e.Refilled = order.GetLogTime(), true
	}
	n.log = append(n.log, logged{e, string(order.GetId()), Hash(e)})
	n.wake()
}
