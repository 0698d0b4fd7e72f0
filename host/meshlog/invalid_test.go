package meshlog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/pluginsdk/meshtest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Whoever has the key of a link can append what no node ordered.
func TestWhatNoMemberOrderedDoesNotStopTheLog(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	hosts := several(t, n, 3)
	hosts[0].order(mesh.ExpelNode{Node: 3})
	sameState(t, hosts[:2]...)
	hosts[2].stop()
	late, err := hosts[2].state.Seal(clustertest.Unsigned(mesh.Cordon{Node: 1}), 3, hosts[2].now(), keyOf(3)) // it may not know it yet
	if err != nil {
		t.Fatal(err)
	}
	junk := [][]byte{late, []byte("\xff\xff"), n.Log()[1].GetEntry()}
	first := hosts[0].height() + 1
	for i, raw := range junk {
		height := first + uint64(i)
		if err := hosts[1].plugin.Order(t.Context(), &pluginv1.OrderRequest{Entry: raw, Height: height, Id: fmt.Appendf(nil, "junk %d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "all have folded it", func() bool { return hosts[0].height() == first+2 && hosts[1].height() == first+2 })
	if got := hosts[1].order(mesh.Cordon{Node: 2}); got != "unverified" {
		t.Errorf("the next order: %s", got)
	}
	sameState(t, hosts[:2]...)
	h := hosts[0]
	until(t, "it is folded", func() bool { return slices.Contains(h.foldedKinds(), fmt.Sprintf("%d cordon", first+3)) })
	h.mu.Lock()
	for _, v := range h.verdicts {
		if at := v.Ordered.Height; at < first || at >= first+3 {
			continue
		}
		if v.Event != nil || v.Outcome.Verdict != mesh.VerdictRejected || v.Outcome.Kind != cluster.KindInvalid {
			t.Errorf("height %d: %+v", v.Ordered.Height, v)
		}
	}
	h.mu.Unlock()
	before := h.View()
	h.stop()
	h.open(before.GetHeight())
	if after := h.View(); string(after.GetAdminState()) != string(before.GetAdminState()) || after.GetHeight() != before.GetHeight() {
		t.Errorf("before the restart %v, after it %v", before, after)
	}
}

func TestABeaconThatDiffersIsAnAlarmUntilItAgrees(t *testing.T) {
	h := several(t, meshtest.New(meshtest.Options{}), 1)[0]
	h.order(mesh.Cordon{Node: 1})
	h.stop()
	height, head := h.End()
	link := func(head []byte) {
		h.Linked(&meshosv1.MeshLink{Connected: true, Quorum: true, Beacon: &meshosv1.MeshLink_Beacon{Height: height, Head: head}})
	}
	link(make([]byte, 32))
	if v := h.View(); v.GetFrozen() != "" || len(v.GetAlarms()) != 1 || !strings.Contains(v.GetAlarms()[0], "nothing is ordered from here until they agree") {
		t.Errorf("frozen %q, alarms %q", v.GetFrozen(), v.GetAlarms())
	}
	if !strings.Contains(h.said(), "mesh:log: the seeds say that the log has the hash 000000000000") {
		t.Errorf("it was said: %s", h.said())
	}
	link(head)
	if v := h.View(); len(v.GetAlarms()) != 0 {
		t.Errorf("alarms %q", v.GetAlarms())
	}
}
