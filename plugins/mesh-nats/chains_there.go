package main

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// otherHolder is what another node that may hold chains said last; this one is among them.
type otherHolder struct {
	heard time.Time
	beat  *natsv1.HolderBeat
}

// beat returns what this node says as one that may hold chains.
func (h *holder) beat() *natsv1.HolderBeat {
	held, bytes := h.held.size()
	b := &natsv1.HolderBeat{Held: uint32(held), Free: uint64(max(0, h.cfg.ChainsBytes-int64(bytes))), Moves: h.ownMoves(time.Now()), Growing: h.growing()}
	self := h.teller.now()
	full := h.diskFull()
	b.Full = full != ""
	b.Labels = self.GetLabels()
	switch {
	case self == nil:
		b.Closed, b.Why = true, "its host has not said yet how it is"
	case full != "":
		b.Closed, b.Why = true, full
	case self.GetPhase() > meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE:
		b.Closed, b.Why = true, "it is in maintenance"
	case self.GetDraining():
		b.Closed, b.Why = true, "it drains"
	case self.GetCordoned():
		b.Closed, b.Why = true, "it is cordoned"
	case held >= h.cfg.ChainsMost:
		b.Closed, b.Why = true, fmt.Sprintf("it holds %d chains, as chains_most says", held)
	case b.Free == 0:
		b.Closed, b.Why = true, fmt.Sprintf("its chains have %d bytes, as chains_bytes says", bytes)
	}
	return b
}

func (h *holder) hearHolder(m *nats.Msg) {
	beat := &natsv1.HolderBeat{}
	if _, id, _ := split(m.Subject); proto.Unmarshal(m.Data, beat) == nil && h.known(id) {
		h.mu.Lock()
		if h.others[id] = (otherHolder{time.Now(), beat}); beat.GetEnds() {
			delete(h.others, id)
		}
		h.mu.Unlock()
		if beat.GetEnds() {
			h.held.poke()
		}
	}
}

// open returns the nodes that are there and take replicas, with what they said.
func (h *holder) open(now time.Time) map[uint64]*natsv1.HolderBeat {
	out := map[uint64]*natsv1.HolderBeat{}
	for id, beat := range h.there(now) {
		if !beat.GetClosed() {
			out[id] = beat
		}
	}
	return out
}

// there returns the nodes that may hold chains and are there.
func (h *holder) there(now time.Time) map[uint64]*natsv1.HolderBeat {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[uint64]*natsv1.HolderBeat{}
	for id, o := range h.others {
		if now.Sub(o.heard) < holderLost && h.known(id) {
			out[id] = o.beat
		}
	}
	return out
}
