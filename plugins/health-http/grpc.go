package main

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/plugins/internal/healthprobe"
)

// maxHealthAnswer bounds the answer of a health check, in bytes; a good one has two.
const maxHealthAnswer = 16 << 10

// askGRPC makes one call of grpc.health.v1 on a connection of its own.
func (c *checker) askGRPC(ctx context.Context, t target, via healthprobe.Route) healthprobe.Attempt {
	call := &grpcCall{checker: c, target: t, via: via}
	conn, err := grpc.NewClient("passthrough:///"+t.address,
		grpc.WithContextDialer(func(_ context.Context, address string) (net.Conn, error) { return call.dial(ctx, address) }),
		grpc.WithTransportCredentials(call.credentials()),
		grpc.WithNoProxy(), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(),
		grpc.WithUserAgent("meshos-health-http/"+version),
		grpc.WithMaxHeaderListSize(maxHead),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxHealthAnswer)))
	if err != nil {
		return healthprobe.Attempt{Err: &healthprobe.Failure{Reason: "not a URL that can be checked", Detail: err.Error(), Ours: true}}
	}
	defer func() { _ = conn.Close() }()
	answer, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{Service: t.service})
	ended := time.Now()
	connected, doubt, failed := call.found()
	var a healthprobe.Attempt
	if connected != nil {
		a.Remote = connected.Remote
	}
	switch {
	case err != nil && failed != nil:
		a.Err = failed
	case err != nil && connected == nil:
		a.Err = context.DeadlineExceeded // still connecting
	case err != nil:
		a.Err = grpcFailure(ctx, err, t.service)
	case connected == nil:
		a.Err = &healthprobe.Failure{Reason: "interrupted", Ours: true}
	case answer.GetStatus() != healthv1.HealthCheckResponse_SERVING:
		a.Err = &healthprobe.Failure{Reason: "answers " + answer.GetStatus().String()}
	default:
		a.Took, a.Doubt = ended.Sub(connected.Began), doubt
	}
	return a
}

// grpcFailure returns in words why a call failed on a connection that was there.
func grpcFailure(ctx context.Context, err error, service string) error {
	s := status.Convert(err)
	failure := &healthprobe.Failure{Detail: shorten(s.Message(), 200)}
	switch s.Code() {
	case codes.DeadlineExceeded, codes.Canceled:
		return answerFailure(ctx, context.DeadlineExceeded)
	case codes.Unimplemented:
		failure.Reason = "does not serve grpc.health.v1"
	case codes.NotFound:
		failure.Reason = "knows no service " + shorten(service, 60)
	case codes.Unavailable:
		failure.Reason = "connects, but ends the connection without an answer"
		if strings.Contains(s.Message(), "error reading server preface") {
			failure.Reason = "does not speak gRPC"
		}
	default:
		failure.Reason = "answers with the error " + s.Code().String()
	}
	return failure
}

// grpcCall is one health check. gRPC keeps of an error only its text, so what became of the
// connection is noted here.
type grpcCall struct {
	checker *checker
	target  target
	via     healthprobe.Route

	mu        sync.Mutex
	connected *healthprobe.Connection
	doubt     string
	failed    error
}

func (g *grpcCall) found() (connected *healthprobe.Connection, doubt string, failed error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.connected, g.doubt, g.failed
}

func (g *grpcCall) note(change func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change()
}

func (g *grpcCall) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := g.checker.dialer.Dial(ctx, address, g.via)
	if err != nil {
		g.note(func() { g.failed = err })
		return nil, err
	}
	g.note(func() { g.connected = conn })
	return conn, nil
}

func (g *grpcCall) credentials() credentials.TransportCredentials {
	if !g.target.tls() {
		return insecure.NewCredentials()
	}
	return noting{credentials.NewTLS(g.checker.trust.client(g.target.host, "h2")), g}
}

// noting are credentials that note how a handshake ended.
type noting struct {
	credentials.TransportCredentials
	call *grpcCall
}

// ClientHandshake implements credentials.TransportCredentials.
func (n noting) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secure, info, err := n.TransportCredentials.ClientHandshake(ctx, authority, conn)
	n.call.note(func() {
		if err != nil {
			n.call.failed = handshakeFailure(ctx, err)
		} else if tlsInfo, ok := info.(credentials.TLSInfo); ok {
			n.call.doubt = expiresSoon(tlsInfo.State.VerifiedChains, time.Now())
		}
	})
	return secure, info, err
}

// Clone implements credentials.TransportCredentials.
func (n noting) Clone() credentials.TransportCredentials {
	return noting{n.TransportCredentials.Clone(), n.call}
}
