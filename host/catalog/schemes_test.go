package catalog

import (
	"testing"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// A probe that was made before there were schemes expects host:port.
func TestAPluginGetsTheHealthTargetsOfItsSchemesOnly(t *testing.T) {
	peers := []*pluginv1.Peer{
		{Id: 2, Address: "10.0.0.2", HealthTarget: "10.0.0.2:80"}, {Id: 3, HealthTarget: "https://10.0.0.3/"}, {Id: 4},
	}
	for _, tt := range []struct {
		used, named []string
		want        [3]bool
	}{
		{[]string{KindHealthProbe}, nil, [3]bool{true, false, false}},
		{[]string{KindHealthProbe}, []string{"tcp"}, [3]bool{true, false, false}},
		{[]string{KindHealthProbe}, []string{"HTTPS"}, [3]bool{false, true, false}},
		{[]string{KindLocalityProbe}, []string{"https"}, [3]bool{}},
	} {
		got := withTargets(peers, healthSchemes(tt.used, tt.named))
		for i, p := range got {
			if p.GetId() != peers[i].GetId() || p.GetAddress() != peers[i].GetAddress() || (p.GetHealthTarget() != "") != tt.want[i] {
				t.Errorf("%q, %q: %v", tt.used, tt.named, p)
			}
		}
	}
	if peers[1].GetHealthTarget() == "" {
		t.Error("the peers themselves were changed")
	}
	if got := unchecked(peers, healthSchemes([]string{KindHealthProbe}, []string{"tcp"})); len(got) != 1 || got[mesh.NodeID(3)] == "" {
		t.Errorf("%v", got)
	}
}
