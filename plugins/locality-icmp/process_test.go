package main

import (
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/testkit"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// If this user may not send echoes, the process has to name what to grant.
func TestProcessMeasuresOrNamesWhatToGrant(t *testing.T) {
	if _, may := openV4(t); !may {
		c := catalogtest.Run(t, "locality-icmp", nil)
		testkit.Until(t, "the reason", func() bool { return strings.Contains(catalogtest.View(c).Message, "ping_group_range") })
		return
	}
	c := catalogtest.Start(t, "locality-icmp", map[string]any{"interval": "100ms"},
		catalogtest.Peers(&pluginv1.Peer{Id: 5, Name: "here", Address: "127.0.0.1"}))
	measures(t, c)
}

func good(s mesh.RTTSample) bool {
	return s.Peer == 5 && s.RTT > 0 && s.RTT < 50*time.Millisecond && s.Sent >= 3 && s.Received > 0 && s.Reason == ""
}

func measures(t *testing.T, c *catalog.Catalog) {
	t.Helper()
	probe, err := c.LocalityProbe("locality-icmp")
	if err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "a round-trip time", func() bool {
		samples, err := probe.SampleRTT(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return samples.Complete && len(samples.Samples) == 1 && good(samples.Samples[0])
	})
}
