package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

func TestLoopbackPeersOverTheWire(t *testing.T) {
	peers := []pluginsdk.Peer{
		{ID: 2, Name: "ip", Address: "127.0.0.2"},
		{ID: 3, Name: "name", Address: "localhost"},
		{ID: 4, Name: "without"},
	}
	if _, ok := openV4(t); !ok {
		c := plugintest.Serve(t, newProbe, plugintest.WithPeers(peers...))
		if err := c.Reconfigure(config{}); status.Code(err) != codes.Unavailable {
			t.Errorf("without any permission: %v", err)
		}
		return
	}
	c := plugintest.Start(t, newProbe, config{}, plugintest.WithPeers(peers...))
	testkit.Until(t, "both peers with an address have a sample", func() bool {
		samples, err := c.SampleRTT()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range samples {
			if s.Peer == 4 || s.RTT <= 0 || s.RTT > 500*time.Millisecond {
				t.Errorf("sample: %+v", s)
			}
		}
		return len(samples) == 2
	})
}

func TestWrongConfigurationIsRefused(t *testing.T) {
	c := plugintest.Serve(t, newProbe)
	for name, cfg := range map[string]map[string]any{
		"timeout of many intervals": {"interval": "100ms", "timeout": "2s"},
		"no echoes":                 {"count": 0.0},
		"not a duration":            {"interval": "soon"},
		"unknown key":               {"sizes": 56.0},
		"no space for a cookie":     {"size": 7.0},
		"more than a packet has":    {"size": 65508.0},
	} {
		if err := c.Validate(cfg); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The two halves of a probe, over a fake network: a name is found, then pinged.
func TestANameThatIsFoundIsPingedAtOnce(t *testing.T) {
	n := newNetwork(echoing(time.Millisecond))
	links := [families]*link{familyV4: {batchConn: n, family: familyV4, raw: true}}
	found := make(chan struct{})
	lookup := func(ctx context.Context, name string) ([]netip.Addr, error) {
		if name == "b.example" {
			return nil, &net.DNSError{IsNotFound: true}
		}
		select {
		case <-found:
		case <-ctx.Done():
		}
		return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, ctx.Err()
	}
	cfg := config{Interval: pluginsdk.Duration(time.Hour), Timeout: pluginsdk.Duration(time.Second), Count: 3, Size: usualSize, Resolve: pluginsdk.Duration(time.Minute)}
	p := assemble(cfg, links, [families]error{}, lookup, hclog.NewNullLogger())
	peers := []pluginsdk.Peer{{ID: 2, Address: "a.example"}, {ID: 3, Address: "192.0.2.3"}, {ID: 4, Address: "b.example"}, {ID: 5}}
	p.SetPeers(peers)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	sampled := func(want string) func() bool {
		return func() bool {
			samples, err := p.SampleRTT(ctx, peers)
			got := ""
			for _, s := range samples {
				got += fmt.Sprintf("%d:%v:%s ", s.Peer, s.RTT > 0, s.Reason)
			}
			return err == nil && got == want
		}
	}
	testkit.Until(t, "the peer with an IP has a sample", sampled("3:true: 4:false:no such name "))
	close(found)
	testkit.Until(t, "the named peer has a sample too", sampled("2:true: 3:true: 4:false:no such name "))
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

var (
	_ pluginsdk.LocalityProbe = (*probe)(nil)
	_ pluginsdk.Runner        = (*probe)(nil)
	_ pluginsdk.PeerWatcher   = (*probe)(nil)
)
