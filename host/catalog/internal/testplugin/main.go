// Command testplugin is a plugin for the catalog's tests, built on go-plugin alone.
// $MODE is how it misbehaves; without it, it behaves.
package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func main() {
	mode := os.Getenv("MODE")
	handshake := goplugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "MESHOS_PLUGIN", MagicCookieValue: "meshos.plugin.v1"}
	if calledByMain(mode) {
		return
	}
	switch mode {
	case "call-api":
		callAPI()
	case "panic-at-start":
		panic("no luck today")
	case "exit-3":
		fmt.Fprintln(os.Stderr, "can't open the frobnicator")
		os.Exit(3)
	case "silent":
		select {}
	case "chatty":
		fmt.Println("hello from a library")
		fmt.Println("1|2 is not a handshake")
	case "flood-stdout":
		long := strings.Repeat("x", 10<<20)
		fmt.Println(long)
		defer fmt.Println(long)
	case "crafted-stderr":
		fmt.Fprintln(os.Stderr, `{"@message": 1}`)
		fmt.Fprintln(os.Stderr, `{"@message":"from hclog","@level":"warn","@timestamp":"x","n":1}`)
		fmt.Fprintln(os.Stderr, `{"time":"2026-01-01T00:00:00Z","level":"ERROR","msg":"from slog","k":"v w"}`)
		fmt.Fprintln(os.Stderr, "plain\x1b[31m text")
	case "flood-stderr":
		for n := range 5000 {
			fmt.Fprintln(os.Stderr, "line", n)
		}
	case "grandchild":
		c := exec.Command("/bin/sleep", "1000")
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := c.Start(); err != nil {
			panic(err)
		}
		fmt.Fprintln(os.Stderr, "grandchild", c.Process.Pid)
	case "ignore-term":
		signal.Ignore(syscall.SIGTERM)
	case "protocol-99":
		handshake.ProtocolVersion = 99
	case "wrong-cookie":
		handshake.MagicCookieValue = "something else"
	case "long-handshake":
		fmt.Println("1|1|unix|" + os.Getenv("PLUGIN_UNIX_SOCKET_DIR") + "/s|grpc|" + strings.Repeat("A", 9<<10))
		select {}
	case "symlink-socket", "silent-socket", "no-streams":
		badSocket(mode)
		select {}
	case "other-socket":
		fmt.Println("1|1|unix|/tmp/elsewhere.sock|grpc|" + strings.Repeat("A", 100))
		select {}
	}
	if fd, err := strconv.Atoi(os.Getenv("MESHOS_LIFELINE_FD")); err == nil && mode != "ignore-term" {
		go func() {
			_, _ = io.Copy(io.Discard, os.NewFile(uintptr(fd), "lifeline"))
			os.Exit(0)
		}()
	}
	p := &server{mode: mode, proceed: make(chan os.Signal, 1)}
	signal.Notify(p.proceed, syscall.SIGUSR1)
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: handshake,
		Plugins:         goplugin.PluginSet{"meshos": p},
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o, grpc.UnaryInterceptor(p.count), grpc.StreamInterceptor(p.flood))...)
		},
	})
}

type server struct {
	goplugin.NetRPCUnsupportedPlugin
	pluginv1.UnimplementedPluginServer
	pluginv1.UnimplementedLocalityProbeServer
	pluginv1.UnimplementedHealthProbeServer
	pluginv1.UnimplementedInventoryProbeServer
	pluginv1.UnimplementedMigrationAborterServer
	pluginv1.UnimplementedMigrationSourceServer
	pluginv1.UnimplementedPlacementScorerServer
	pluginv1.UnimplementedChainAppenderServer
	pluginv1.UnimplementedEventSourceServer
	mode    string
	self    uint64
	peers   []*pluginv1.Peer
	proceed chan os.Signal
	calls   int

	keepalives atomic.Int64 // that it got
	frames     atomic.Int64 // or batches of a flood that were sent
}

// count counts keepalives.
func (s *server) count(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if info.FullMethod == grpc_health_v1.Health_Check_FullMethodName {
		s.keepalives.Add(1)
	}
	return next(ctx, req)
}

// flood answers go-plugin's own streams with more than anybody asked for. Its messages
// have a number in field 1, as a broker's id and the channel of printed text are.
func (s *server) flood(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if !strings.HasPrefix(info.FullMethod, "/plugin.") || !strings.HasSuffix(s.mode, "-flood") {
		return next(srv, stream)
	}
	_, _ = syscall.Write(2, fmt.Appendf(nil, "the host opened %s\n", info.FullMethod))
	switch {
	case s.mode == "broker-flood" && info.FullMethod == "/plugin.GRPCBroker/StartStream":
		for id := uint32(1); ; id++ {
			if err := stream.SendMsg(wrapperspb.UInt32(id)); err != nil {
				return err
			}
		}
	case s.mode == "stdio-flood" && info.FullMethod == "/plugin.GRPCStdio/StreamStdio":
		for n := 1; ; n++ {
			if err := stream.SendMsg(wrapperspb.UInt32(99)); err != nil {
				return err
			}
			s.frames.Store(int64(n))
		}
	}
	return next(srv, stream)
}

// GRPCServer implements goplugin.GRPCPlugin.
func (s *server) GRPCServer(_ *goplugin.GRPCBroker, g *grpc.Server) error {
	if s.mode == "no-plugin-service" {
		return nil
	}
	pluginv1.RegisterPluginServer(g, s)
	pluginv1.RegisterLocalityProbeServer(g, s)
	pluginv1.RegisterHealthProbeServer(g, s)
	pluginv1.RegisterInventoryProbeServer(g, s)
	pluginv1.RegisterMigrationAborterServer(g, s)
	pluginv1.RegisterMigrationSourceServer(g, s)
	pluginv1.RegisterPlacementScorerServer(g, s)
	pluginv1.RegisterPlacementScorerV2Server(g, &pagedScorer{s: s})
	pluginv1.RegisterChainAppenderServer(g, s)
	pluginv1.RegisterEventSourceServer(g, s)
	return nil
}

// GRPCClient implements goplugin.GRPCPlugin.
func (*server) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

func (s *server) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	out := &pluginv1.DescribeResponse{
		Name: "testplugin", Version: "1.2.3", ConfigSchema: "{}", NoOp: s.mode == "no-op",
		Kinds: []string{
			"locality_probe", "health_probe", "inventory_probe", "migration_aborter",
			"migration_source", "placement_scorer", "chain_appender", "time_machine",
		},
	}
	out.KindVersions = s.kindVersions()
	if s.mode == "empty-batches" || s.mode == "unknown-peers" {
		out.Kinds = []string{"event_source", "locality_probe"}
	}
	return out, nil
}

func (s *server) Configure(ctx context.Context, r *pluginv1.ConfigureRequest) (*pluginv1.ConfigureResponse, error) {
	s.self = r.GetNode()
	if why := r.GetConfig().GetFields()["reject"].GetStringValue(); why != "" {
		return nil, status.Error(codes.InvalidArgument, why)
	}
	if what := r.GetConfig().GetFields()["say"].GetStringValue(); what != "" {
		_, _ = syscall.Write(2, []byte("configured to say "+what+"\n"))
		if what == "wait" {
			<-s.proceed
		}
	}
	if s.mode == "slow-configure" {
		time.Sleep(time.Hour)
	}
	if s.mode == "exit-in-configure" {
		_, _ = syscall.Write(2, []byte("{\"@message\":\"gone\"}\n")) // os.Stderr is go-plugin's by now
		syscall.Exit(4)
	}
	dir := r.GetDataDir() + "/mark"
	return &pluginv1.ConfigureResponse{Warnings: []string{"data in " + dir}}, os.WriteFile(dir, []byte(r.GetClusterId()), 0o600)
}

func (s *server) SetPeers(_ context.Context, r *pluginv1.SetPeersRequest) (*pluginv1.SetPeersResponse, error) {
	s.peers = r.GetPeers()
	if s.mode == "log-peers" {
		_, _ = syscall.Write(2, fmt.Appendf(nil, "told of %d peers\n", len(s.peers)))
	}
	return &pluginv1.SetPeersResponse{}, nil
}

func (s *server) SampleRtt(context.Context, *pluginv1.SampleRequest) (*pluginv1.RttSamples, error) {
	s.calls++
	out := &pluginv1.RttSamples{}
	switch s.mode {
	case "huge":
		out.Peers, out.RttNs = make([]uint64, 1<<20), make([]int64, 1<<20)
		return out, nil
	case "columns":
		return &pluginv1.RttSamples{Peers: []uint64{2}}, nil
	case "deadlock":
		select {} // never answers
	case "slow-once":
		if s.calls == 1 {
			before := s.keepalives.Load()
			time.Sleep(600 * time.Millisecond)
			_, _ = syscall.Write(2, fmt.Appendf(nil, "got %d keepalives at work\n", s.keepalives.Load()-before))
		}
	case "prints":
		fmt.Println("printed by a library", strings.Repeat("y", 200<<10))
	case "exit-in-call":
		syscall.Exit(5)
	case "stdio-flood", "empty-batches":
		return &pluginv1.RttSamples{Peers: []uint64{2}, RttNs: []int64{s.frames.Load() + 1}}, nil
	case "liar":
		return &pluginv1.RttSamples{
			Peers: []uint64{s.self, 99, 2, 2, 3, 4},
			RttNs: []int64{1, 1, 1000, 2000, -1, math.MaxInt64},
		}, nil
	}
	for _, p := range s.peers {
		out.Peers, out.RttNs = append(out.Peers, p.GetId()), append(out.RttNs, int64(time.Millisecond))
	}
	return out, nil
}

func (s *server) SampleHealth(context.Context, *pluginv1.SampleRequest) (*pluginv1.HealthSamples, error) {
	out := &pluginv1.HealthSamples{}
	for n, p := range s.peers {
		out.Peers, out.Health = append(out.Peers, p.GetId()), append(out.Health, meshosv1.NodeHealth(n+1))
	}
	return out, nil
}

func (s *server) SampleInventory(context.Context, *pluginv1.SampleRequest) (*pluginv1.InventorySamples, error) {
	if s.mode == "empty-items" {
		return &pluginv1.InventorySamples{Samples: slices.Repeat([]*meshosv1.PeerInventory{{}}, 2<<20-8)}, nil
	}
	load, bad := 1.5, math.NaN()
	return &pluginv1.InventorySamples{Samples: []*meshosv1.PeerInventory{
		{Peer: s.self, CpuLoad_1M: &load}, {Peer: 2, CpuLoad_1M: &bad},
	}}, nil
}

func (s *server) Abort(_ context.Context, r *pluginv1.AbortRequest) (*pluginv1.AbortResponse, error) {
	switch s.mode {
	case "deadlock":
		select {}
	case "exit-in-call":
		syscall.Exit(5)
	}
	switch r.GetMigration() {
	case 404:
		return nil, status.Error(codes.NotFound, "no such migration")
	case 409:
		return nil, status.Error(codes.FailedPrecondition, "past the point of no return")
	case 503:
		return nil, status.Error(codes.Unavailable, "orchestrator is away")
	}
	return &pluginv1.AbortResponse{}, nil
}

func (s *server) List(context.Context, *pluginv1.ListMigrationsRequest) (*meshosv1.Migrations, error) {
	return &meshosv1.Migrations{InFlight: []*meshosv1.MigrationView{{Migration: 7}, {Migration: 7}}}, nil
}

func (s *server) Score(_ context.Context, r *pluginv1.ScoreRequest) (*meshosv1.ScoreTable, error) {
	if s.mode == "score-all" {
		return scoreAll(r), nil
	}
	return &meshosv1.ScoreTable{ViewVersion: r.GetViewVersion(), Chains: []*meshosv1.ChainScore{
		{Chain: 1, Holders: []*meshosv1.NodeScore{{Node: 2, Score: 0.5}, {Node: 3, Score: float32(math.NaN())}}},
	}}, nil
}

func (s *server) Append(_ context.Context, r *pluginv1.AppendRequest) (*pluginv1.AppendResponse, error) {
	if len(r.GetRecords()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "no records")
	}
	return &pluginv1.AppendResponse{}, nil
}

// Events streams, for ever, batches that bring nothing; or of one event of each node that
// is no peer.
func (s *server) Events(_ *pluginv1.EventsRequest, stream grpc.ServerStreamingServer[pluginv1.EventBatch]) error {
	for n := uint64(1); ; n++ {
		batch := &pluginv1.EventBatch{}
		if s.mode == "unknown-peers" {
			if n == 3 {
				return nil
			}
			batch.Events = []*meshosv1.Event{
				{Kind: &meshosv1.Event_RttSample{RttSample: &meshosv1.RttSample{Peer: 98 + n, Rtt: durationpb.New(1)}}},
				{Kind: &meshosv1.Event_NodeHealth{NodeHealth: &meshosv1.NodeHealthSample{Peer: 98 + n, Health: 1}}},
				{Kind: &meshosv1.Event_NodeHealth{NodeHealth: &meshosv1.NodeHealthSample{Peer: 2, Health: 1}}},
			}
		}
		if err := stream.Send(batch); err != nil {
			return err
		}
		s.frames.Store(int64(n))
	}
}
