package main

import (
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/testkit"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

func TestProcessJudgesPeers(t *testing.T) {
	good, sick := serve(t, says(200, "ok"), nil), serve(t, says(503, "no"), nil)
	address := good[len("http://"):]
	c := catalogtest.Start(t, "health-http", map[string]any{"interval": "100ms", "timeout": "20s"}, catalogtest.Peers(
		&pluginv1.Peer{Id: 5, HealthTarget: good},
		&pluginv1.Peer{Id: 6, HealthTarget: sick},
		&pluginv1.Peer{Id: 7, HealthTarget: address},
		&pluginv1.Peer{Id: 8, HealthTarget: "smtp://" + address},
		&pluginv1.Peer{Id: 9}))
	probe, err := c.HealthProbe("health-http")
	if err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "a verdict on both peers that have a target of its schemes", func() bool {
		samples, err := probe.SampleHealth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[mesh.NodeID]mesh.HealthSample{}
		for _, s := range samples.Samples {
			got[s.Peer] = s
		}
		return len(got) == 2 && got[5].Health == mesh.HealthHealthy && got[6].Health == mesh.HealthUnreachable &&
			got[6].Reason == "answers 503 Service Unavailable" && samples.Complete
	})
	unchecked := c.Unchecked()
	if len(unchecked) != 2 || unchecked[7] != "no plugin checks health targets of the form host:port" || unchecked[8] != "no plugin checks smtp:// health targets" {
		t.Errorf("unchecked: %v", unchecked)
	}
	if err := c.SetPeers(t.Context(), []*pluginv1.Peer{{Id: 7, HealthTarget: good}}); err != nil {
		t.Fatal(err)
	}
	if unchecked := c.Unchecked(); len(unchecked) != 0 {
		t.Errorf("after the peers changed: %v", unchecked)
	}
}
