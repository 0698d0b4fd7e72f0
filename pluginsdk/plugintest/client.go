package plugintest

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/internal/schema"
	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// Client calls one plugin as a host does. Errors are those that a host gets: status.Code
// returns their code. Its methods may be called from several goroutines.
type Client struct {
	conn    *grpc.ClientConn
	plugin  pluginv1.PluginClient
	options options
	encode  func(cfg any) map[string]any

	complete atomic.Bool // the last answer of a probe
}

// Start serves the plugin and configures it with cfg, a value of the configuration
// struct. Fields of cfg with zero values are left out, as if the operator had not
// written them, so they get their defaults; use StartRaw to set a zero. Any error fails
// the test. At the end of the test the plugin ends; if it does not end in 5 s, the test
// fails.
func Start[C, P any](t testing.TB, construct func(pluginsdk.Env, C) (P, error), cfg C, opts ...Option) *Client {
	t.Helper()
	c := serve(t, construct, opts)
	if err := c.Reconfigure(cfg); err != nil {
		t.Fatalf("plugintest: configure: %v", err)
	}
	return c
}

// StartRaw is Start with a configuration as an operator writes it: string, float64, bool,
// lists ([]any) and tables (map[string]any).
func StartRaw[C, P any](t testing.TB, construct func(pluginsdk.Env, C) (P, error), cfg map[string]any, opts ...Option) *Client {
	t.Helper()
	c := serve(t, construct, opts)
	if err := c.ReconfigureRaw(cfg); err != nil {
		t.Fatalf("plugintest: configure: %v", err)
	}
	return c
}

// Serve serves the plugin without configuring it, for tests of wrong configurations.
func Serve[C, P any](t testing.TB, construct func(pluginsdk.Env, C) (P, error), opts ...Option) *Client {
	t.Helper()
	return serve(t, construct, opts)
}

// pipe is the size of the in-memory connection's buffers.
const pipe = 256 << 10

func serve[C, P any](t testing.TB, construct func(pluginsdk.Env, C) (P, error), opts []Option) *Client {
	t.Helper()
	o := gather(t, opts)
	server, err := pluginsdk.NewServer(o.info, construct, o.log)
	if err != nil {
		t.Fatalf("plugintest: %v", err)
	}
	format, err := schema.For[C, pluginsdk.Duration]()
	if err != nil {
		t.Fatalf("plugintest: %v", err)
	}
	g := grpc.NewServer(server.Options()...)
	server.Register(g)
	listener := bufconn.Listen(pipe)
	served := make(chan error, 1)
	go func() { served <- g.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///plugin",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage)))
	if err != nil {
		t.Fatalf("plugintest: connect: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), endWithin)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Errorf("plugintest: %v", err)
		}
		if err := conn.Close(); err != nil {
			t.Errorf("plugintest: disconnect: %v", err)
		}
		g.Stop()
		if err := <-served; err != nil {
			t.Errorf("plugintest: serve: %v", err)
		}
	})
	c := &Client{
		conn: conn, plugin: pluginv1.NewPluginClient(conn), options: o,
		encode: func(cfg any) map[string]any { return format.Encode(cfg) },
	}
	if o.peers != nil {
		if err := c.SetPeers(o.peers...); err != nil {
			t.Fatalf("plugintest: %v", err)
		}
	}
	return c
}

// endWithin is how long a plugin may take to end, much longer than a host waits: the machine may
// be slow, or busy with other tests.
const endWithin = 30 * time.Second

// Conn returns the connection, for calls that Client has no method for.
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// context returns the context of one call.
func (c *Client) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), c.options.timeout)
}

// Describe returns the plugin's name, version, kinds and configuration schema.
func (c *Client) Describe() (*pluginv1.DescribeResponse, error) {
	ctx, cancel := c.context()
	defer cancel()
	return c.plugin.Describe(ctx, &pluginv1.DescribeRequest{})
}

// Reconfigure sends the plugin a new configuration: its struct, or a pointer to it.
// Zero values are left out as in Start.
func (c *Client) Reconfigure(cfg any) error {
	if raw, ok := cfg.(map[string]any); ok {
		return c.ReconfigureRaw(raw)
	}
	return c.ReconfigureRaw(c.encode(cfg))
}

// ReconfigureRaw is Reconfigure with a configuration as an operator writes it.
func (c *Client) ReconfigureRaw(cfg map[string]any) error {
	_, err := c.configure(cfg, false)
	return err
}

// Validate has the plugin check a configuration, as `meshos validate` does.
func (c *Client) Validate(cfg map[string]any) error {
	_, err := c.configure(cfg, true)
	return err
}

// Warnings configures the plugin and returns its warnings.
func (c *Client) Warnings(cfg map[string]any) ([]string, error) {
	resp, err := c.configure(cfg, false)
	return resp.GetWarnings(), err
}

func (c *Client) configure(cfg map[string]any, validate bool) (*pluginv1.ConfigureResponse, error) {
	config, err := structpb.NewStruct(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.context()
	defer cancel()
	return c.plugin.Configure(ctx, &pluginv1.ConfigureRequest{
		Node: c.options.node, ClusterId: c.options.cluster, DataDir: c.options.dataDir,
		Config: config, ValidateOnly: validate, Mesh: c.options.mesh,
	})
}

// SetPeers replaces the peers that the plugin knows.
func (c *Client) SetPeers(peers ...pluginsdk.Peer) error {
	req := &pluginv1.SetPeersRequest{}
	for _, p := range peers {
		req.Peers = append(req.Peers, &pluginv1.Peer{
			Id: p.ID, Name: p.Name, Address: p.Address, HealthTarget: p.HealthTarget,
			Addresses: p.Addresses.ToWire(),
		})
	}
	ctx, cancel := c.context()
	defer cancel()
	_, err := c.plugin.SetPeers(ctx, req)
	return err
}
