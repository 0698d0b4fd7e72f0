package plugintest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type config struct {
	RTT   pluginsdk.Duration `json:"rtt" default:"1ms"`
	ID    uint64             `json:"id"`
	Share float64            `json:"share" default:"0.5"`
}

type plugin struct {
	env pluginsdk.Env
	cfg config
}

func (p *plugin) SampleRTT(ctx context.Context, peers []pluginsdk.Peer) (out []pluginsdk.RTTSample, _ error) {
	p.env.Log.Info("asked", "peers", len(peers))
	for _, peer := range peers {
		if peer.Name == "slow" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		out = append(out, pluginsdk.RTTSample{Peer: peer.ID, RTT: time.Duration(p.cfg.RTT)})
	}
	return out, nil
}

func construct(got *plugin) func(pluginsdk.Env, config) (*plugin, error) {
	return func(env pluginsdk.Env, cfg config) (*plugin, error) {
		if cfg.RTT == 0 {
			return nil, errors.New("no time")
		}
		*got = plugin{env, cfg}
		return &plugin{env, cfg}, nil
	}
}

func TestZeroFieldsTakeTheirDefaults(t *testing.T) {
	var got plugin
	plugintest.Start(t, construct(&got), config{ID: 1<<64 - 1})
	if want := (config{RTT: pluginsdk.Duration(time.Millisecond), ID: 1<<64 - 1, Share: 0.5}); got.cfg != want {
		t.Fatalf("got %+v, want %+v", got.cfg, want)
	}
}

func TestRawConfigurationsCanSetAZero(t *testing.T) {
	var got plugin
	c := plugintest.StartRaw(t, construct(&got), map[string]any{"share": 0.0})
	if got.cfg.Share != 0 {
		t.Fatalf("got %+v", got.cfg)
	}
	if err := c.Reconfigure(map[string]any{"rtt": "0s"}); err == nil || !strings.Contains(err.Error(), "no time") {
		t.Fatalf("got %v", err)
	}
	if err := c.Reconfigure(&config{ID: 5}); err != nil || got.cfg.ID != 5 {
		t.Fatalf("got %+v, %v", got.cfg, err)
	}
}

func TestOptionsReachThePlugin(t *testing.T) {
	var got plugin
	var log plugintest.Buffer
	dir := t.TempDir()
	c := plugintest.Start(t, construct(&got), config{},
		plugintest.WithNode(9), plugintest.WithCluster("x"), plugintest.WithDataDir(dir), plugintest.WithLogs(&log),
		plugintest.WithPeers(pluginsdk.Peer{ID: 4}), plugintest.WithInfo(pluginsdk.Info{Name: "me"}))
	if got.env.Node != 9 || got.env.Cluster != "x" || got.env.DataDir != dir {
		t.Errorf("environment %+v", got.env)
	}
	if samples, err := c.SampleRTT(); err != nil || len(samples) != 1 || samples[0].Peer != 4 {
		t.Errorf("got %v, %v", samples, err)
	}
	if about, err := c.Describe(); err != nil || about.GetName() != "me" {
		t.Errorf("got %v, %v", about, err)
	}
	if !strings.Contains(log.String(), "asked: peers=1") {
		t.Errorf("the log says %q", log.String())
	}
}

func TestCallsHaveADeadline(t *testing.T) {
	var got plugin
	c := plugintest.Start(t, construct(&got), config{}, plugintest.WithTimeout(5*time.Second))
	_, err := c.SampleRTT(pluginsdk.Peer{ID: 1, Name: "slow"})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Fatalf("got %v", err)
	}
}
