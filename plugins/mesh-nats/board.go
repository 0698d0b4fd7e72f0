package main

import (
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// board has what there is to tell the host. The node's goroutine writes it, and Follow brings
// what is new to the host.
type board struct {
	changed signal

	mu       sync.Mutex
	version  uint64 // of the last change of peers or of the link
	peers    map[uint64]*peer
	complete bool // peers has everybody whom the mesh knows
	link     linkState
	tail     map[uint64]*meshosv1.LoggedEntry // the last entries of the log, by height
	last     uint64                           // height of the log, as far as known
}

// peer is another node, as the seeds know it.
type peer struct {
	version     uint64
	incarnation uint64
	revision    uint64 // of the summary
	address     string
	left        bool
	orderly     bool
	summary     *meshosv1.NodeSummary
	said        time.Time
	saidAt      uint64    // version of the last change of the summary
	heard       time.Time // when it was, if it should have been since; zero while it is
}

// linkState is how this node reaches the mesh.
type linkState struct {
	version   uint64
	connected bool
	since     time.Time
	seed      string
	seedID    uint64
	quorum    bool
	height    uint64
	head      []byte
	beacon    time.Time
	alarm     string
	err       string
	seedHere  bool
	first     uint64 // height of the first entry that the log still has; 0: not known
}

const (
	maxTail  = 1024    // entries that wait for Follow
	maxBatch = 1 << 20 // bytes of entries in one message to the host, beside the last one
)

func newBoard() *board {
	return &board{
		peers: map[uint64]*peer{}, tail: map[uint64]*meshosv1.LoggedEntry{},
		link: linkState{since: time.Now()},
	}
}

// setLink changes how this node reaches the mesh.
func (b *board) setLink(change func(*linkState)) {
	b.mu.Lock()
	before := b.link
	change(&b.link)
	l := &b.link
	if l.connected != before.connected {
		l.since = time.Now()
	}
	same := before.connected == l.connected && before.seed == l.seed && before.quorum == l.quorum && before.alarm == l.alarm &&
		before.err == l.err && before.beacon.Equal(l.beacon) && before.seedHere == l.seedHere && before.first == l.first
	if !same {
		b.version++
		l.version = b.version
	}
	b.mu.Unlock()
	if !same {
		b.changed.raise()
	}
}

func (b *board) linkNow() linkState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.link
}

// keepOnly ends the sessions of all whom known does not name.
func (b *board) keepOnly(known func(id uint64) bool) {
	b.mu.Lock()
	var gone []uint64
	for id, p := range b.peers {
		if !p.left && !known(id) {
			gone = append(gone, id)
		}
	}
	b.mu.Unlock()
	for _, id := range gone {
		b.setPeer(id, func(p *peer) { p.left, p.orderly = true, false })
	}
}

// setPeer changes what is known of a node.
func (b *board) setPeer(id uint64, change func(*peer)) {
	b.mu.Lock()
	p := b.peers[id]
	if p == nil {
		p = &peer{}
		b.peers[id] = p
	}
	before := p.summary
	change(p)
	b.version++
	p.version = b.version
	if p.summary != before {
		p.saidAt = b.version
	}
	b.mu.Unlock()
	b.changed.raise()
}

// setComplete says that everybody is known.
func (b *board) setComplete() {
	b.mu.Lock()
	b.complete = true
	b.mu.Unlock()
	b.changed.raise()
}

// peerNow returns what is known of a node.
func (b *board) peerNow(id uint64) (peer, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.peers[id]
	if p == nil {
		return peer{}, false
	}
	return *p, true
}

// everybody returns the nodes that are known.
func (b *board) everybody() (peers map[uint64]peer, complete bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	peers = make(map[uint64]peer, len(b.peers))
	for id, p := range b.peers {
		peers[id] = *p
	}
	return peers, b.complete
}

// addEntry takes an entry that the log has taken.
func (b *board) addEntry(height uint64, entry *meshosv1.LoggedEntry) {
	b.mu.Lock()
	b.tail[height] = entry
	delete(b.tail, height-maxTail)
	if len(b.tail) > maxTail { // there were gaps
		for h := range b.tail {
			if h+maxTail < height || h > height {
				delete(b.tail, h)
			}
		}
	}
	b.last = max(b.last, height)
	b.mu.Unlock()
	b.changed.raise()
}

// setHeight says where the log ends. It may have been longer before.
func (b *board) setHeight(height uint64) {
	b.mu.Lock()
	if height < b.last {
		for h := range b.tail {
			if h > height {
				delete(b.tail, h)
			}
		}
	}
	b.last = height
	b.mu.Unlock()
	b.changed.raise()
}

// news is what Follow has told the host so far.
type news struct {
	version  uint64
	link     bool // was told
	complete bool
}

// since returns what is new, or nil.
func (b *board) since(told *news) *pluginv1.MeshBatch {
	b.mu.Lock()
	defer b.mu.Unlock()
	out, any := &pluginv1.MeshBatch{}, false
	if b.version > told.version {
		for id, p := range b.peers {
			if p.version > told.version {
				out.Peers = append(out.Peers, p.change(id, told.version))
				any = true
			}
		}
	}
	if !told.link || b.link.version > told.version {
		out.Link, told.link, any = b.link.message(), true, true
	}
	if b.complete && !told.complete {
		out.PeersComplete, told.complete, any = true, true, true
	}
	told.version = b.version
	if !any {
		return nil
	}
	return out
}

// change returns what is new of a peer since a version.
func (p *peer) change(id, since uint64) *pluginv1.PeerChange {
	out := &pluginv1.PeerChange{Id: id, Address: p.address, Left: p.left, Orderly: p.orderly}
	if !p.heard.IsZero() {
		out.Silent = durationpb.New(max(0, time.Since(p.heard)))
	}
	if p.summary != nil && p.saidAt > since {
		out.Summary, out.Age = p.summary, durationpb.New(max(0, time.Since(p.said)))
	}
	return out
}

func (l *linkState) message() *meshosv1.MeshLink {
	out := &meshosv1.MeshLink{
		Connected: l.connected, Since: durationpb.New(time.Since(l.since)), Quorum: l.connected && l.quorum,
		Alarm: l.alarm, Error: l.err, SeedHere: l.seedHere, First: l.first,
	}
	if l.connected {
		out.Seed = l.seed
	}
	if !l.beacon.IsZero() {
		out.Beacon = &meshosv1.MeshLink_Beacon{Height: l.height, Head: l.head, Age: durationpb.New(max(0, time.Since(l.beacon)))}
	}
	return out
}

// take returns the entries from a height on that are here, as many as fit into one message,
// and whether the log has more.
func (b *board) take(from uint64) (out []*meshosv1.LoggedEntry, more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next, size := from, 0
	for size < maxBatch && b.tail[next] != nil {
		out = append(out, b.tail[next])
		size += len(b.tail[next].GetEntry()) + 64
		next++
	}
	return out, b.last >= next
}
