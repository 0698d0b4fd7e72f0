package main

import (
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
)

// greet asks the seed for all sessions. What this node knows already is not said again.
func (l *leaf) greet(now time.Time) {
	l.token, l.greeted, l.missed, l.here = rand.Uint64()|1, now, nil, map[uint64]bool{}
	hello := &natsv1.Hello{Token: l.token}
	peers, _ := l.board.everybody()
	for id, p := range peers {
		if p.summary != nil {
			hello.Known = append(hello.Known, &natsv1.Known{Node: id, Incarnation: p.incarnation, Revision: p.revision})
		}
	}
	l.publish(subjectHello(l.seed, l.id), hello)
}

// hearView takes what the seed says of the others. Views to all are numbered; if one is
// missing, this node asks for all sessions again.
func (l *leaf) hearView(m *nats.Msg) {
	v := &natsv1.View{}
	if proto.Unmarshal(m.Data, v) != nil {
		return
	}
	l.heard = time.Now()
	switch {
	case v.GetToken() != 0:
		if v.GetToken() == l.token {
			l.hearAnswer(v)
		}
	case l.token != 0:
		if len(l.missed) < 1000 {
			l.missed = append(l.missed, v)
		}
		l.takeLog(v.GetLog())
	case v.GetEpoch() != l.epoch || v.GetNumber() != l.number+1:
		l.greet(l.heard)
	default:
		l.takeView(v)
	}
}

func (l *leaf) hearAnswer(v *natsv1.View) {
	for _, p := range v.GetPeers() {
		l.here[p.GetNode()] = true
		l.takePeer(p)
	}
	l.takeLog(v.GetLog())
	if v.GetMore() {
		return
	}
	l.token, l.epoch, l.number = 0, v.GetEpoch(), v.GetNumber()
	if v.GetYourAddress() != "" && v.GetYourAddress() != l.address {
		l.address = v.GetYourAddress()
		l.beat = time.Time{} // the others hear of it with the next beat
	}
	l.complete = v.GetComplete()
	if l.complete {
		l.board.keepOnly(func(id uint64) bool { return l.here[id] })
		l.board.setComplete()
	}
	missed := l.missed
	l.missed = nil
	for _, v := range missed {
		if v.GetEpoch() == l.epoch && v.GetNumber() <= l.number {
			continue
		}
		if v.GetEpoch() != l.epoch || v.GetNumber() != l.number+1 {
			l.greet(time.Now())
			return
		}
		l.takeView(v)
	}
}

func (l *leaf) takeView(v *natsv1.View) {
	l.number = v.GetNumber()
	for _, p := range v.GetPeers() {
		l.takePeer(p)
	}
	l.takeLog(v.GetLog())
	if v.GetComplete() && !l.complete {
		l.greet(l.heard)
	}
}

func (l *leaf) takePeer(state *natsv1.PeerState) {
	if state.GetNode() == l.id {
		return
	}
	l.board.setPeer(state.GetNode(), func(p *peer) {
		if state.GetSummary() != nil {
			p.summary, p.revision = state.GetSummary(), state.GetRevision()
			p.said = time.Now().Add(-state.GetAge().AsDuration())
		}
		p.incarnation, p.address = state.GetIncarnation(), state.GetAddress()
		p.left, p.orderly = state.GetLeft(), state.GetOrderly()
		p.heard = time.Time{}
		if state.GetSilent() != nil {
			p.heard = time.Now().Add(-state.GetSilent().AsDuration())
		}
	})
}

func (l *leaf) takeLog(state *natsv1.LogState) {
	if state == nil {
		return
	}
	if !state.GetUnknown() {
		l.board.setHeight(state.GetHeight())
	}
	l.board.setLink(func(s *linkState) {
		s.quorum = state.GetQuorum() && state.GetWaits() == ""
		if state.GetFirst() > 0 {
			s.first = state.GetFirst()
		}
		if !state.GetUnknown() {
			s.height, s.head, s.beacon = state.GetHeight(), state.GetHead(), l.heard.Add(-state.GetAge().AsDuration())
		}
		s.alarm = state.GetAlarm()
		if s.alarm == "" {
			s.alarm = state.GetWaits()
		}
	})
}
