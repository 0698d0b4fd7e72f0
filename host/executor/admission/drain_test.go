package admission_test

import (
	"testing"

	"github.com/meshos/meshos/host/executor/admission"
	"github.com/meshos/meshos/host/mesh"
)

func TestTheEleventhBlobOfASecondWaits(t *testing.T) {
	w := newWorld(t)
	for id := range mesh.BlobID(10) {
		w.admits(0, blob(id))
	}
	w.refuses(0, blob(11), admission.Defer, 100*ms)
	w.refuses(sec-1, blob(11), admission.Defer, 100*ms)
	w.admits(sec, blob(11)) // what was sent a second ago no longer counts
}

func TestADM11_TheWindowEmptiesItself(t *testing.T) {
	w := newWorld(t)
	for id := range mesh.BlobID(10) {
		w.admits(0, blob(id))
	}
	w.admits(2*sec, blob(11))
}

func TestADrainRateOfZeroSendsNothing(t *testing.T) {
	g := admission.New(admission.Policy{})
	for _, at := range []mesh.Time{0, mesh.Time(60 * sec)} {
		if d := g.Decide(mesh.Emitted{ID: 1, Action: blob(1)}, at); d.Verdict != admission.Defer || d.After != 100*ms {
			t.Errorf("at %v: got %+v", at, d)
		}
	}
}

func TestRollBackOfABlobGivesItsPlaceBack(t *testing.T) {
	w := newWorld(t)
	var last mesh.Emitted
	for id := range mesh.BlobID(10) {
		last = w.admits(0, blob(id))
	}
	w.RollBack(last)
	w.admits(0, blob(11))
	w.refuses(0, blob(12), admission.Defer, 100*ms)
}

func TestADM15_WhatNoGateIsForIsAdmitted(t *testing.T) {
	w := newWorld(t)
	w.admits(0, pull(1)) // closes all gates that it can
	w.CloseDaemon(1, mesh.Never, 0)
	for range 20 {
		for _, a := range []mesh.Action{
			mesh.RequestPlacement{Chain: 1},
			mesh.RequestEviction{Chain: 1, Victim: 2},
			mesh.MarkAvoid{Peer: 1},
			mesh.ReduceHeat{Blob: 1},
			mesh.CommitTransition{Node: 1},
		} {
			w.admits(0, a)
		}
	}
}
