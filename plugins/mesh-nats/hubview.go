package main

import (
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
)

const pageBytes = 256 << 10 // of a view

// changed has the state of a node told to those who are linked with this seed.
func (h *hub) changed(id uint64) {
	if len(h.news) == 0 {
		h.flush.Reset(viewAfter)
	}
	h.news[id] = true
}

// tell says what changed, and how the log is.
func (h *hub) tell(now time.Time) {
	var ids []uint64
	for id := range h.news {
		ids = append(ids, id)
	}
	clear(h.news)
	h.told = now
	h.pages(now, ids, nil, func(v *natsv1.View) {
		h.number++
		v.Number = h.number
		h.say(subjectViewAll(h.id), v)
	})
}

// answerHello tells a node of all sessions.
func (h *hub) answerHello(now time.Time, id uint64, m *nats.Msg) {
	hello := &natsv1.Hello{}
	if proto.Unmarshal(m.Data, hello) != nil || !h.known(id) {
		return
	}
	known := map[uint64][2]uint64{}
	for _, k := range hello.GetKnown() {
		known[k.GetNode()] = [2]uint64{k.GetIncarnation(), k.GetRevision()}
	}
	address := h.gate.addressOf(id)
	h.pages(now, h.sessions.ids(), known, func(v *natsv1.View) {
		v.Number, v.Token, v.YourAddress = h.number, hello.GetToken(), address
		h.say(subjectView(h.id, id), v)
	})
}

// pages says the states of nodes in views of limited size. Summaries that are known are left
// out.
func (h *hub) pages(now time.Time, ids []uint64, known map[uint64][2]uint64, say func(*natsv1.View)) {
	v, size := h.newView(), 0
	for _, id := range ids {
		state := h.peerState(now, id, known[id])
		size += proto.Size(state)
		if size > pageBytes && len(v.Peers) > 0 {
			v.More = true
			say(v)
			v, size = h.newView(), proto.Size(state)
		}
		v.Peers = append(v.Peers, state)
	}
	v.Log = h.logState(now, h.keeper.end())
	say(v)
}

func (h *hub) newView() *natsv1.View { return &natsv1.View{Epoch: h.epoch, Complete: h.complete} }

func (h *hub) peerState(now time.Time, id uint64, known [2]uint64) *natsv1.PeerState {
	one := h.sessions.nodes[id]
	if one == nil {
		return &natsv1.PeerState{Node: id, Left: true}
	}
	state := &natsv1.PeerState{
		Node: id, Incarnation: one.incarnation, Revision: one.revision, Address: one.address, Left: one.left, Orderly: one.orderly,
	}
	if (one.late || one.left && !one.orderly) && !one.heard.IsZero() {
		state.Silent = durationpb.New(max(0, now.Sub(one.heard)))
	}
	if one.summary != nil && one.of != known {
		state.Revision, state.Summary, state.Age = one.of[1], one.summary, durationpb.New(now.Sub(one.said))
	}
	return state
}

func (h *hub) say(subject string, m proto.Message) {
	b, err := proto.Marshal(m)
	if err == nil {
		err = h.nc.Publish(subject, b)
	}
	if err != nil {
		h.log.Debug("not said", "subject", subject, "error", err)
	}
}

// logState returns how the log is, with the age of what is known of its end.
func (h *hub) logState(now time.Time, end logEnd) *natsv1.LogState {
	out := proto.CloneOf(h.state)
	out.Height, out.Head, out.Unknown = end.height, end.hash, !end.known()
	out.First = h.keeper.begins()
	if end.known() {
		out.Age = durationpb.New(max(0, now.Sub(end.at)))
	}
	return out
}
