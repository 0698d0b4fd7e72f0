package pluginsdk_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

func codeOf(err error) codes.Code { return status.Code(err) }

// connection has a go-plugin client return the bare connection.
type connection struct{ plugin.NetRPCUnsupportedPlugin }

func (connection) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("a client only")
}

func (connection) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

func TestAGoPluginClientWithAutoMTLSReachesTheExample(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "constant-rtt")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", binary, "../examples/plugins/constant-rtt")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the example: %v\n%s", err, out)
	}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion: wire.ProtocolVersion,
			MagicCookieKey:  wire.CookieKey, MagicCookieValue: wire.CookieValue,
		},
		Plugins:          plugin.PluginSet{wire.PluginName: connection{}},
		Cmd:              exec.Command(binary),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		Logger:           hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := protocol.Dispense(wire.PluginName)
	if err != nil {
		t.Fatal(err)
	}
	conn := raw.(*grpc.ClientConn)
	own := pluginv1.NewPluginClient(conn)
	var other peer.Peer
	about, err := own.Describe(t.Context(), &pluginv1.DescribeRequest{}, grpc.Peer(&other))
	if err != nil || about.GetName() != "constant-rtt" {
		t.Fatalf("described as %v, %v", about, err)
	}
	over, _ := other.AuthInfo.(credentials.TLSInfo)
	if key, ok := over.State.PeerCertificates[0].PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("its key is not a P-256 one, but %T", over.State.PeerCertificates[0].PublicKey)
	}
	if _, err := own.Configure(t.Context(), &pluginv1.ConfigureRequest{Node: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := own.SetPeers(t.Context(), &pluginv1.SetPeersRequest{Peers: []*pluginv1.Peer{{Id: 2}}}); err != nil {
		t.Fatal(err)
	}
	got, err := pluginv1.NewLocalityProbeClient(conn).SampleRtt(t.Context(), &pluginv1.SampleRequest{})
	if err != nil || len(got.GetRttNs()) != 1 || got.GetRttNs()[0] != 1_000_000 {
		t.Fatalf("got %v, %v", got, err)
	}
	client.Kill() // calls Shutdown, then waits
	if !client.Exited() {
		t.Fatal("it lives on")
	}
}
