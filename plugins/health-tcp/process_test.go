package main

import (
	"net"
	"testing"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/testkit"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

func TestProcessJudgesPeers(t *testing.T) {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }()
	c := catalogtest.Start(t, "health-tcp", map[string]any{"interval": "100ms"}, catalogtest.Peers(
		&pluginv1.Peer{Id: 5, Name: "open", Address: "127.0.0.1", HealthTarget: open.Addr().String()},
		&pluginv1.Peer{Id: 6, Name: "closed", Address: "127.0.0.1", HealthTarget: "127.0.0.1:1"},
		&pluginv1.Peer{Id: 7, Name: "silent", Address: "127.0.0.1"},
		&pluginv1.Peer{Id: 8, Name: "url", Address: "127.0.0.1", HealthTarget: "tcp://" + open.Addr().String()},
		&pluginv1.Peer{Id: 9, Name: "not ours", Address: "127.0.0.1", HealthTarget: "http://" + open.Addr().String()}))
	probe, err := c.HealthProbe("health-tcp")
	if err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "a verdict on both peers that have a target", func() bool {
		samples, err := probe.SampleHealth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, why := map[mesh.NodeID]mesh.NodeHealth{}, ""
		for _, s := range samples.Samples {
			got[s.Peer] = s.Health
			why += s.Reason
		}
		_, silent := got[7]
		_, notOurs := got[9]
		return got[5] == mesh.HealthHealthy && got[6] == mesh.HealthUnreachable && !silent && !notOurs && got[8] == mesh.HealthHealthy &&
			why == "refused: nobody listens" && samples.Complete
	})
}
