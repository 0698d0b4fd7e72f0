package main

import (
	"context"
	"errors"
	"os"
	"strconv"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

func main() {
	samples, _ := strconv.Atoi(os.Getenv("SAMPLES"))
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BARE_PLUGIN", MagicCookieValue: "1"},
		Plugins:         plugin.PluginSet{"probe": &probe{samples: samples}},
		GRPCServer:      plugin.DefaultGRPCServer,
		Logger:          hclog.NewNullLogger(),
	})
}

// probe is the plugin: a locality probe that measures nothing.
type probe struct {
	plugin.NetRPCUnsupportedPlugin
	pluginv1.UnimplementedLocalityProbeServer
	samples int
}

// GRPCServer implements plugin.GRPCPlugin.
func (p *probe) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	pluginv1.RegisterLocalityProbeServer(s, p)
	return nil
}

// GRPCClient implements plugin.GRPCPlugin.
func (p *probe) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("this is no host")
}

// SampleRtt answers with samples as a probe has them that measured all peers.
func (p *probe) SampleRtt(context.Context, *pluginv1.SampleRequest) (*pluginv1.RttSamples, error) {
	out := &pluginv1.RttSamples{
		Complete: true,
		Peers:    make([]uint64, p.samples), RttNs: make([]int64, p.samples),
		Sent: make([]uint32, p.samples), Received: make([]uint32, p.samples),
		JitterNs: make([]int64, p.samples), Rounds: make([]uint64, p.samples),
	}
	for i := range p.samples {
		out.Peers[i], out.RttNs[i] = uint64(i+2), int64(1_000_000+i)
		out.Sent[i], out.Received[i], out.JitterNs[i], out.Rounds[i] = 20, 20, int64(1000+i), 7
	}
	return out, nil
}
