package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// drained returns what a node shows of its drain, which order 12 began.
func drained(change func(*meshosv1.Snapshot)) *meshosv1.Snapshot {
	s := &meshosv1.Snapshot{
		Node: 2, Tick: 7, Epoch: 1, Mesh: &meshosv1.MeshView{Height: 12},
		AdminAudit: []*meshosv1.AdminAuditRecord{{Seq: 3, InMesh: true, Height: 12}},
		LocalMaintenance: &meshosv1.MaintenanceView{
			Phase: meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE, Cordoned: true, Draining: true,
			Deadline: durationpb.New(10 * time.Minute), WaitingFor: []string{"chain 7", "chain 8"},
		},
	}
	change(s)
	return s
}

// around returns what the node at the socket shows of three others.
func around(change func(three *meshosv1.PeerView)) *meshosv1.Snapshot {
	peer := func(id uint64) *meshosv1.PeerView {
		return &meshosv1.PeerView{Peer: id, Name: "n" + string(rune('0'+id)), Health: meshosv1.NodeHealth_NODE_HEALTH_HEALTHY, Member: &meshosv1.MemberView{}}
	}
	s := &meshosv1.Snapshot{Node: 1, Peers: []*meshosv1.PeerView{peer(1), peer(2), peer(3), peer(4)}}
	s.Peers[3].Health = meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE // from the beginning
	change(s.Peers[2])
	return s
}

func series() *drainSeries {
	d := newDrainSeries(around(func(*meshosv1.PeerView) {}), 5*time.Minute, 30*time.Second)
	d.begin(2, 1, 12, noon())
	return d
}

func TestADrainOfASeriesEndsForOneOfItsReasons(t *testing.T) {
	for name, c := range map[string]struct {
		after  time.Duration
		shows  func(*meshosv1.Snapshot)
		result drainResult // empty: it goes on
		why    string
	}{
		"the order is not folded there yet": {0, func(s *meshosv1.Snapshot) {
			s.AdminAudit, s.LocalMaintenance = nil, &meshosv1.MaintenanceView{Phase: meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE}
		}, "", ""},
		"it began anew and has the order": {0, func(s *meshosv1.Snapshot) {
			s.AdminAudit, s.Epoch, s.LocalMaintenance.Draining, s.LocalMaintenance.WaitingFor = nil, 2, false, nil
		}, resultDrained, ""},
		"something is left": {time.Minute, func(*meshosv1.Snapshot) {}, "", ""},
		"nothing is left": {time.Minute, func(s *meshosv1.Snapshot) {
			s.LocalMaintenance.Draining, s.LocalMaintenance.WaitingFor = false, nil
		}, resultDrained, ""},
		"it was uncordoned": {time.Minute, func(s *meshosv1.Snapshot) {
			s.LocalMaintenance.Draining, s.LocalMaintenance.Cordoned = false, false
		}, resultReplaced, "no longer cordoned"},
		"it enters maintenance": {time.Minute, func(s *meshosv1.Snapshot) {
			s.LocalMaintenance.Phase = meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ENTERING
		}, resultReplaced, "another command replaced the drain"},
		"a freeze":                {time.Minute, func(s *meshosv1.Snapshot) { s.FreezeRemaining = durationpb.New(time.Hour) }, resultFrozen, "frozen"},
		"little changes for long": {5 * time.Minute, func(*meshosv1.Snapshot) {}, resultStalled, "nothing changed for 5m"},
		"something changed":       {5 * time.Minute, func(s *meshosv1.Snapshot) { s.LocalMaintenance.WaitingFor = []string{"chain 8"} }, "", ""},
		"its deadline is over": {10 * time.Minute, func(s *meshosv1.Snapshot) {
			s.LocalMaintenance.WaitingFor, s.LocalMaintenance.Deadline = []string{"chain 8"}, nil
		}, resultTimeout, "deadline"},
	} {
		d := series()
		if end := d.see(drained(func(*meshosv1.Snapshot) {}), noon()); end != nil {
			t.Fatalf("%s: at once: %+v", name, end)
		}
		end := d.see(drained(c.shows), noon().Add(c.after))
		switch {
		case end == nil && c.result != "", end != nil && end.result != c.result:
			t.Errorf("%s: %+v, want %q", name, end, c.result)
		case end != nil && !strings.Contains(end.why, c.why):
			t.Errorf("%s: %q does not say %q", name, end.why, c.why)
		}
	}
}

func TestANodeOfASeriesMayBeSilentForAWhile(t *testing.T) {
	d := series()
	silent := errors.New("no session")
	if end := d.missed(silent, noon().Add(29*time.Second)); end != nil {
		t.Errorf("after 29s: %+v", end)
	}
	d.see(drained(func(*meshosv1.Snapshot) {}), noon().Add(29*time.Second))
	if end := d.missed(silent, noon().Add(58*time.Second)); end != nil {
		t.Errorf("29s after it answered: %+v", end)
	}
	if end := d.missed(silent, noon().Add(time.Minute)); end == nil || end.result != resultUnreachable || !strings.Contains(end.why, "no session") {
		t.Errorf("31s after it answered: %+v", end)
	}
}

func TestASeriesStopsWhenAnotherNodeIsNotWellAnyMore(t *testing.T) {
	for why, change := range map[string]func(*meshosv1.PeerView){
		"":                         func(*meshosv1.PeerView) {},
		"node n3 is unreachable":   func(p *meshosv1.PeerView) { p.Health = meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE },
		"node n3 is degraded":      func(p *meshosv1.PeerView) { p.Health = meshosv1.NodeHealth_NODE_HEALTH_DEGRADED },
		"node n3 is gone":          func(p *meshosv1.PeerView) { p.Member.Gone = true },
		"node n3 has ended":        func(p *meshosv1.PeerView) { p.Member.Gone, p.Member.Orderly = true, true },
		"node n3 is unreachable f": func(p *meshosv1.PeerView) { p.Member.FromHere = true },
		"node n3 differs at he":    func(p *meshosv1.PeerView) { p.Member.Alarm = "differs at height 812" },
	} {
		d := series()
		end := d.others(around(change))
		if why == "" != (end == nil) || end != nil && (end.result != resultPeer || !strings.HasPrefix(end.why, why)) {
			t.Errorf("%q: %+v", why, end)
		}
		d.done[3] = true // whoever drained it may stop it
		if end := d.others(around(change)); end != nil {
			t.Errorf("%q, of a node that was drained before: %+v", why, end)
		}
	}
}
