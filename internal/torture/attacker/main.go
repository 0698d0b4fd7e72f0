// Command attacker is a plugin that attacks its node, as $ATTACK says. It is built on
// go-plugin alone, since the SDK keeps its authors from most of this.
package main

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func main() {
	a := &attacker{attack: os.Getenv("ATTACK")}
	switch a.attack {
	case "stdout-flood", "stderr-flood":
		fd := map[string]int{"stdout-flood": 1, "stderr-flood": 2}[a.attack]
		line := []byte(strings.Repeat("x", 200) + "\n")
		go func() {
			time.Sleep(time.Second) // stdout belongs to the handshake first
			for {
				if _, err := syscall.Write(fd, line); err != nil {
					return
				}
			}
		}()
	case "leaves-group":
		leave()
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: goplugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "MESHOS_PLUGIN", MagicCookieValue: "meshos.plugin.v1"},
		Plugins:         goplugin.PluginSet{"meshos": a},
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o, grpc.StreamInterceptor(a.streams))...)
		},
	})
}

// leave starts children that try to outlive the node.
func leave() {
	for range 3 {
		c := exec.Command("/bin/sh", "-c", `trap "" TERM INT HUP; while :; do sleep 1; done`)
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		_ = c.Start()
	}
	const prSetPdeathsig = 1
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetPdeathsig, 0, 0)
}

type attacker struct {
	goplugin.NetRPCUnsupportedPlugin
	pluginv1.UnimplementedPluginServer
	pluginv1.UnimplementedLocalityProbeServer
	pluginv1.UnimplementedInventoryProbeServer
	pluginv1.UnimplementedEventSourceServer
	pluginv1.UnimplementedRecoveryHandlerServer
	attack string
	said   atomic.Uint64
}

// GRPCServer implements goplugin.GRPCPlugin.
func (a *attacker) GRPCServer(_ *goplugin.GRPCBroker, g *grpc.Server) error {
	pluginv1.RegisterPluginServer(g, a)
	pluginv1.RegisterLocalityProbeServer(g, a)
	pluginv1.RegisterInventoryProbeServer(g, a)
	pluginv1.RegisterEventSourceServer(g, a)
	pluginv1.RegisterRecoveryHandlerServer(g, a)
	return nil
}

// GRPCClient implements goplugin.GRPCPlugin.
func (*attacker) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

// Describe names every kind; the entry of the configuration says which ones count.
func (*attacker) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	return &pluginv1.DescribeResponse{
		Name: "attacker", Version: "6.6.6", ConfigSchema: "{}",
		Kinds: []string{"locality_probe", "inventory_probe", "event_source", "recovery_handler"},
	}, nil
}

func (*attacker) Configure(context.Context, *pluginv1.ConfigureRequest) (*pluginv1.ConfigureResponse, error) {
	return &pluginv1.ConfigureResponse{}, nil
}

func (*attacker) SetPeers(context.Context, *pluginv1.SetPeersRequest) (*pluginv1.SetPeersResponse, error) {
	return &pluginv1.SetPeersResponse{}, nil
}

// streams floods the streams that go-plugin itself opens.
func (a *attacker) streams(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	floods := a.attack == "broker-flood" && strings.HasSuffix(info.FullMethod, "GRPCBroker/StartStream") ||
		a.attack == "stdio-flood" && strings.HasSuffix(info.FullMethod, "GRPCStdio/StreamStdio")
	if !floods {
		return next(srv, stream)
	}
	for n := uint32(1); ; n++ {
		if err := stream.SendMsg(wrapperspb.UInt32(n)); err != nil { // field 1 is an id, or a channel
			return err
		}
	}
}

// SampleRtt implements pluginv1.LocalityProbeServer.
func (a *attacker) SampleRtt(context.Context, *pluginv1.SampleRequest) (*pluginv1.RttSamples, error) {
	out := &pluginv1.RttSamples{}
	switch a.attack {
	case "hang":
		select {}
	case "crash-loop", "fifo":
		syscall.Exit(3)
	case "stopped":
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGSTOP)
	case "lies":
		for n := range 200_000 {
			out.Peers, out.RttNs = append(out.Peers, uint64(n)), append(out.RttNs, int64(n)-1000)
		}
	}
	return out, nil
}

// SampleInventory implements pluginv1.InventoryProbeServer.
func (a *attacker) SampleInventory(context.Context, *pluginv1.SampleRequest) (*pluginv1.InventorySamples, error) {
	out := &pluginv1.InventorySamples{}
	if a.attack == "empty-items" {
		one := &meshosv1.PeerInventory{} // takes two bytes on the wire
		for range 2 << 20 {
			out.Samples = append(out.Samples, one)
		}
	}
	return out, nil
}

// Events implements pluginv1.EventSourceServer.
func (a *attacker) Events(_ *pluginv1.EventsRequest, stream grpc.ServerStreamingServer[pluginv1.EventBatch]) error {
	for {
		batch := &pluginv1.EventBatch{}
		for range 500 {
			batch.Events = append(batch.Events, a.event())
		}
		if err := stream.Send(batch); err != nil {
			return err
		}
	}
}

// event returns another event at each call.
func (a *attacker) event() *meshosv1.Event {
	n := a.said.Add(1)
	switch {
	case a.attack == "log-events":
		return &meshosv1.Event{Kind: &meshosv1.Event_LogLine{LogLine: &meshosv1.LogLine{
			Level: meshosv1.LogLevel_LOG_LEVEL_ERROR, Message: "flood " + strconv.FormatUint(n, 10),
		}}}
	case a.attack == "unsigned-orders":
		return order()
	case n%3 == 0:
		return &meshosv1.Event{Kind: &meshosv1.Event_RttSample{RttSample: &meshosv1.RttSample{Peer: n}}}
	case n%3 == 1:
		return &meshosv1.Event{Kind: &meshosv1.Event_DaemonLifecycle{DaemonLifecycle: &meshosv1.DaemonLifecycle{
			Daemon: &meshosv1.DaemonRef{Id: n, Name: strings.Repeat("n", nameLength(n)) + strconv.FormatUint(n, 10)},
			Signal: &meshosv1.DaemonLifecycle_Started_{Started: &meshosv1.DaemonLifecycle_Started{}},
		}}}
	}
	return &meshosv1.Event{Kind: &meshosv1.Event_ReplicaUpdate{ReplicaUpdate: &meshosv1.ReplicaUpdate{
		Kind: meshosv1.ReplicaUpdate_KIND_ADDED, Chain: n, Holder: n,
	}}}
}

// nameLength is mostly short, so that a batch fits into a message, and sometimes as long
// as an event may be.
func nameLength(n uint64) int {
	if n%500 == 1 {
		return 60_000
	}
	return 200
}

func order() *meshosv1.Event {
	return &meshosv1.Event{Kind: &meshosv1.Event_Admin{Admin: &meshosv1.AdminEvent{
		Kind: &meshosv1.AdminEvent_Uncordon{Uncordon: &meshosv1.NodeTarget{Node: 1}},
	}}}
}

// Recover implements pluginv1.RecoveryHandlerServer.
func (*attacker) Recover(context.Context, *pluginv1.RecoverRequest) (*pluginv1.RecoverResponse, error) {
	out := &pluginv1.RecoverResponse{}
	for range 2000 {
		out.Events = append(out.Events, order())
	}
	return out, nil
}
