package mesh_test

import (
	"slices"
	"testing"

	"github.com/meshos/meshos/host/mesh"
)

func TestCHN23_LevelsAscend(t *testing.T) {
	levels := []mesh.LogLevel{mesh.LevelTrace, mesh.LevelDebug, mesh.LevelInfo, mesh.LevelWarn, mesh.LevelError}
	if !slices.IsSorted(levels) || len(slices.Compact(slices.Clone(levels))) != len(levels) {
		t.Errorf("levels are %v", levels)
	}
}
