package loop

import (
	"context"
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/scoring"
)

type scorer struct{ name string }

func (s scorer) Name() string { return s.name }
func (scorer) NoOp() bool     { return false }

func (scorer) Score(context.Context, scoring.Request) (mesh.Scores, error) { return mesh.Scores{}, nil }

func TestEmptySlotsDoNothing(t *testing.T) {
	var s Slots
	if !s.Scorer().NoOp() || !s.Aborter().NoOp() {
		t.Error("an empty slot is not a no-op")
	}
	if got := s.sources(); got != nil { // MIG-06
		t.Errorf("an empty slot has sources of migrations: %v", got)
	}
	if err := s.Aborter().Abort(t.Context(), 1, ""); err != nil {
		t.Errorf("an empty slot fails to abort: %v", err)
	}
	if prev := s.InstallScorer(scorer{"a"}); prev != nil {
		t.Errorf("an empty slot held %v", prev)
	}
	if prev := s.InstallScorer(scorer{"b"}); prev != (scorer{"a"}) || s.Scorer() != (scorer{"b"}) {
		t.Errorf("held %v and holds %v, want a and b", prev, s.Scorer())
	}
	a := &aborter{}
	s.InstallAborter(a)
	if prev := s.InstallAborter(nil); prev != a || !s.Aborter().NoOp() {
		t.Errorf("held %v and holds %v, want the aborter and none", prev, s.Aborter())
	}
}
