package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	startsInARound = 10
	callTime       = 300 * time.Millisecond // for which one number of samples is asked for in a round
)

// starts compares the start of a plugin made with pluginsdk under a node's catalog, which hashes
// it, executes the hashed copy, asks it what it is and configures it, with that of a plugin of
// go-plugin alone.
func starts() row {
	return row{
		name: "plugin-start", what: "from nothing to a plugin that has answered its first call", peer: "go-plugin with AutoMTLS",
		round: func(ctx context.Context, b *bench) ([]figure, error) {
			bare, sdk, err := b.probePlugins(ctx)
			if err != nil {
				return nil, err
			}
			sum, err := sha256Of(sdk)
			if err != nil {
				return nil, err
			}
			var ours, theirs, again, pinned []float64
			for range startsInARound {
				began := time.Now()
				p, err := b.runFile(ctx, "sdkplugin", sdk, "", nil, nil)
				if err != nil {
					return nil, err
				}
				ours = append(ours, time.Since(began).Seconds())
				restarted, err := p.restart(ctx)
				p.end()
				if err != nil {
					return nil, err
				}
				again = append(again, restarted.Seconds())

				began = time.Now()
				if p, err = b.runFile(ctx, "sdkplugin", sdk, sum, nil, nil); err != nil {
					return nil, err
				}
				pinned = append(pinned, time.Since(began).Seconds())
				p.end()

				began = time.Now()
				peer, err := startBare(ctx, bare, 1)
				if err != nil {
					return nil, err
				}
				theirs = append(theirs, time.Since(began).Seconds())
				peer.client.Kill()
			}
			return []figure{
				{Name: "first start", Unit: "ms", Ours: median(ours) * 1e3, Peer: median(theirs) * 1e3, Wanted: "≤ 0.5"},
				{Name: "first start, pinned by sha256", Unit: "ms", Ours: median(pinned) * 1e3, Peer: median(theirs) * 1e3, Wanted: "≤ 0.5"},
				{Name: "start of a file that did not change", Unit: "ms", Ours: median(again) * 1e3, Peer: median(theirs) * 1e3, Wanted: "≤ 0.5"},
			}, nil
		},
	}
}

// calls compares one call for samples, as a node makes it at each tick.
func calls() row {
	return row{
		name: "probe-call", what: "a call for the round-trip times of 1, 1,000 and 10,000 peers", peer: "go-plugin with AutoMTLS",
		round: func(ctx context.Context, b *bench) ([]figure, error) {
			var out []figure
			for _, n := range []int{1, 1000, 10_000} {
				f, err := compareCalls(ctx, b, n)
				if err != nil {
					return nil, err
				}
				out = append(out, f...)
			}
			return out, nil
		},
	}
}

func compareCalls(ctx context.Context, b *bench, n int) ([]figure, error) {
	bare, sdk, err := b.probePlugins(ctx)
	if err != nil {
		return nil, err
	}
	peers := make([]*pluginv1.Peer, n)
	for i := range peers {
		peers[i] = &pluginv1.Peer{Id: uint64(i + 2)}
	}
	p, err := b.runFile(ctx, "sdkplugin", sdk, "", nil, peers)
	if err != nil {
		return nil, err
	}
	defer p.end()
	probe, err := p.LocalityProbe(p.name)
	if err != nil {
		return nil, err
	}
	peer, err := startBare(ctx, bare, n)
	if err != nil {
		return nil, err
	}
	defer peer.client.Kill()
	our := func() error {
		got, err := probe.SampleRTT(ctx)
		if err == nil && len(got.Samples) != n {
			err = fmt.Errorf("%d of %d samples", len(got.Samples), n)
		}
		probe.Folded(got.Samples) // as a node's loop does
		return err
	}
	their := func() error {
		_, err := peer.probe.SampleRtt(ctx, &pluginv1.SampleRequest{})
		return err
	}
	var ours, theirs, ourCPU, theirCPU []float64
	for until := time.Now().Add(2 * callTime); time.Now().Before(until); {
		took, used, err := several(our, os.Getpid(), p.pid())
		if err != nil {
			return nil, err
		}
		ours, ourCPU = append(ours, took...), append(ourCPU, used)
		took, used, err = several(their, os.Getpid(), peer.client.ReattachConfig().Pid)
		if err != nil {
			return nil, err
		}
		theirs, theirCPU = append(theirs, took...), append(theirCPU, used)
	}
	return []figure{
		{Name: fmt.Sprintf("%d samples", n), Unit: "µs", Ours: median(ours) * 1e6, Peer: median(theirs) * 1e6, Wanted: "≤ 1.05"},
		{Name: fmt.Sprintf("%d samples, CPU of both processes", n), Unit: "µs", Ours: median(ourCPU) * 1e6, Peer: median(theirCPU) * 1e6, Wanted: "≤ 1.05"},
	}, nil
}

// several makes some calls one after the other. It returns how long each took, and how much CPU
// time one took of both processes, on average.
func several(call func() error, pids ...int) (took []float64, used float64, err error) {
	const calls = 50
	work := func() error {
		for range calls {
			began := time.Now()
			if err := call(); err != nil {
				return err
			}
			took = append(took, time.Since(began).Seconds())
		}
		return nil
	}
	for _, pid := range pids {
		inner := work
		work = func() error {
			cpu, err := usage(pid, inner)
			used += cpu / calls
			return err
		}
	}
	return took, used, work()
}

// probePlugins builds both plugins, once.
func (b *bench) probePlugins(ctx context.Context) (bare, sdk string, err error) {
	bare, sdk = filepath.Join(b.dir, "bareplugin"), filepath.Join(b.dir, "sdkplugin")
	return bare, sdk, errors.Join(b.build(ctx, bare), b.build(ctx, sdk))
}

// build builds one of the programs beside this one, once.
func (b *bench) build(ctx context.Context, file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	name := filepath.Base(file)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "github.com/meshos/meshos/bench/"+name)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return nil
}

// barePlugin is a running plugin of go-plugin alone.
type barePlugin struct {
	client *goplugin.Client
	probe  pluginv1.LocalityProbeClient
}

// startBare starts one and calls it once.
func startBare(ctx context.Context, file string, samples int) (*barePlugin, error) {
	cmd := exec.Command(file)
	cmd.Env = append(os.Environ(), fmt.Sprintf("SAMPLES=%d", samples))
	// As a plugin of a node: where the kernel schedules sessions as groups, calls between two of
	// them take longer on a busy machine.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  goplugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BARE_PLUGIN", MagicCookieValue: "1"},
		Plugins:          goplugin.PluginSet{"probe": connection{}},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		Cmd:              cmd,
		Logger:           hclog.NewNullLogger(),
	})
	p := &barePlugin{client: client}
	fail := func(err error) (*barePlugin, error) { client.Kill(); return nil, err }
	protocol, err := client.Client()
	if err != nil {
		return fail(err)
	}
	conn, err := protocol.Dispense("probe")
	if err != nil {
		return fail(err)
	}
	p.probe = pluginv1.NewLocalityProbeClient(conn.(*grpc.ClientConn))
	if _, err := p.probe.SampleRtt(ctx, &pluginv1.SampleRequest{}); err != nil {
		return fail(err)
	}
	return p, nil
}

// connection is the host's side: the connection itself.
type connection struct {
	goplugin.NetRPCUnsupportedPlugin
}

// GRPCServer implements goplugin.GRPCPlugin.
func (connection) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { return nil }

// GRPCClient implements goplugin.GRPCPlugin.
func (connection) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return c, nil
}
