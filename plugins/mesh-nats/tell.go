package main

import (
	"context"
	"math"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	inventoryEvery = 30 * time.Second // at most so often, if nothing else changes
	inventoryMoved = 0.05
	leaveWithin    = 300 * time.Millisecond
)

// teller has what the host said of this node last.
type teller struct {
	poke        chan struct{}
	incarnation uint64

	mu       sync.Mutex
	tick     uint64
	self     *meshosv1.NodeSummary
	said     *meshosv1.NodeSummary // the last one that was said
	when     time.Time
	revision uint64
	due      bool // self is to be said
	leaving  bool
}

func newTeller(incarnation uint64) *teller {
	return &teller{poke: make(chan struct{}, 1), incarnation: incarnation}
}

// Tell keeps the session of this node alive, and says what changed.
func (n *node) Tell(ctx context.Context, req *pluginv1.TellRequest) error {
	if n.teller.tell(req, time.Now()) {
		poke(n.teller.poke)
	}
	if l := n.link.Load(); req.GetLeaving() && l != nil {
		l.leave(ctx)
	}
	return nil
}

// now returns what the host said of this node last; nil before that.
func (t *teller) now() *meshosv1.NodeSummary {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.self
}

// tell takes what the host says, and reports whether it is to be passed on at once.
func (t *teller) tell(req *pluginv1.TellRequest, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := t.tick == 0
	t.tick = max(t.tick, req.GetTick())
	if req.GetLeaving() {
		t.leaving = true
		return false
	}
	if req.GetSelf() != nil {
		t.self = proto.Clone(req.GetSelf()).(*meshosv1.NodeSummary)
	}
	if t.self != nil && !t.due && worthSaying(t.said, t.self, now.Sub(t.when)) {
		t.due = true
	}
	return first || t.due
}

// sayAgain has the summary said again, for a seed that does not know it.
func (t *teller) sayAgain() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due = t.self != nil
}

// next returns what is to be said now: a summary if one is due, and a beat unless the loop of
// the host made no step since the last one.
func (t *teller) next(now time.Time, beaten uint64) (said *natsv1.Said, beat *natsv1.Beat) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.leaving {
		return nil, nil
	}
	if t.due {
		if !proto.Equal(t.said, t.self) || t.revision == 0 {
			t.revision++
		}
		t.due, t.said, t.when = false, t.self, now
		said = &natsv1.Said{Incarnation: t.incarnation, Revision: t.revision, Summary: t.self}
	}
	if t.tick > beaten {
		beat = &natsv1.Beat{Incarnation: t.incarnation, Tick: t.tick, Revision: t.revision}
	}
	return said, beat
}

// speak says what is due. A beat goes with a summary, so that the session begins with it.
func (l *leaf) speak(now time.Time) {
	if l.cid == 0 {
		return
	}
	said, beat := l.teller.next(now, l.beaten)
	if said != nil {
		l.publish(subjectSaid(l.id), said)
	}
	if beat != nil && (said != nil || now.Sub(l.beat) >= l.cfg.beatEvery()) {
		l.beat, l.beaten = now, beat.GetTick()
		beat.Address = l.address
		l.publish(subjectBeat(l.id), beat)
	}
}

// leave ends the session in order, and waits a moment for a seed to hear it.
func (l *leaf) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveWithin)
	defer cancel()
	b, err := proto.Marshal(&natsv1.Beat{Incarnation: l.incarnation, Leaving: true})
	if err == nil {
		_, err = l.nc.RequestWithContext(ctx, subjectBeat(l.id), b)
	}
	if err != nil {
		l.log.Debug("no seed heard that this node leaves", "error", err)
	}
}

// worthSaying reports whether a summary says something new: at once for anything but the
// inventory, and for that not too often.
func worthSaying(said, self *meshosv1.NodeSummary, age time.Duration) bool {
	if said == nil {
		return true
	}
	before, after := said.GetInventory(), self.GetInventory()
	a, b := proto.Clone(said).(*meshosv1.NodeSummary), proto.Clone(self).(*meshosv1.NodeSummary)
	a.Inventory, b.Inventory = nil, nil
	return !proto.Equal(a, b) || age >= inventoryEvery && moved(before, after)
}

// moved reports whether a figure of an inventory changed by so much that others should know.
func moved(a, b *meshosv1.PeerInventory) bool {
	if (a == nil) != (b == nil) || len(a.GetCapabilities()) != len(b.GetCapabilities()) || a.GetSoftwareVersion() != b.GetSoftwareVersion() {
		return true
	}
	for i, capability := range a.GetCapabilities() {
		if capability != b.GetCapabilities()[i] {
			return true
		}
	}
	for _, pair := range [][2]float64{
		{a.GetCpuLoad_1M(), b.GetCpuLoad_1M()},
		{a.GetLoadPerCpu(), b.GetLoadPerCpu()},
		{a.GetCpus(), b.GetCpus()},
		{a.GetCpusUsed(), b.GetCpusUsed()},
		{a.GetMachineCpusUsed(), b.GetMachineCpusUsed()},
		{float64(a.GetMemUsedBytes()), float64(b.GetMemUsedBytes())},
		{float64(a.GetMemTotalBytes()), float64(b.GetMemTotalBytes())},
		{float64(a.GetMachineMemUsedBytes()), float64(b.GetMachineMemUsedBytes())},
		{float64(a.GetDiskUsedBytes()), float64(b.GetDiskUsedBytes())},
		{float64(a.GetDiskTotalBytes()), float64(b.GetDiskTotalBytes())},
		{float64(a.GetDiskInodesUsed()), float64(b.GetDiskInodesUsed())},
		{float64(a.GetSaturationTrend()), float64(b.GetSaturationTrend())},
	} {
		if math.Abs(pair[0]-pair[1]) > inventoryMoved*max(math.Abs(pair[0]), math.Abs(pair[1])) {
			return true
		}
	}
	return false
}
