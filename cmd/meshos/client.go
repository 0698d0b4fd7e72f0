package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/internal/document"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// maxAnswer is the largest message that is taken from a node. An older one sends a whole
// snapshot in one.
const maxAnswer = 64 << 20

// nodeClient talks to one running node.
type nodeClient struct {
	hostv1.HostClient

	conn     *grpc.ClientConn
	path     string
	config   string // the file that named the path, "" for none
	timeout  time.Duration
	other    string // the node of the mesh that is asked through this one; "" for this one
	answered bool
	inMesh   bool // the node belongs to a mesh
}

// connect finds the node's socket. It sends nothing yet. The caller closes the client.
func (a *app) connect() (*nodeClient, error) {
	return a.connectTo(a.node.word)
}

// connectTo is connect, and has another node of the mesh asked; "" for none.
func (a *app) connectTo(other string) (*nodeClient, error) {
	n := &nodeClient{timeout: a.timeout, other: other}
	if a.timeout <= 0 {
		return nil, &usageError{err: fmt.Errorf("--timeout: must be more than 0, is %v", a.timeout)}
	}
	address := a.address
	if address == "" {
		address = a.env("MESHOS_ADDRESS")
	}
	if address != "" {
		n.path = strings.TrimPrefix(strings.TrimPrefix(address, "unix:"), "//")
	} else {
		peeked, err := config.Peek(a.configPath(), "node.socket")
		var report *config.Report
		if errors.As(err, &report) {
			return nil, &usageError{err: fmt.Errorf("can't find the node's socket: %w\n    or name the socket with --address", err)}
		}
		if err != nil {
			return nil, err
		}
		n.path, n.config = peeked.Node.Socket, a.configPath()
	}
	absolute, err := filepath.Abs(n.path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.path, err)
	}
	n.path = absolute
	dial := func(ctx context.Context, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", absolute)
	}
	n.conn, err = grpc.NewClient("passthrough:node",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(dial),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		grpc.WithUnaryInterceptor(n.unary), grpc.WithStreamInterceptor(n.stream),
	)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.path, err)
	}
	n.HostClient = hostv1.NewHostClient(n.conn)
	return n, nil
}

func (n *nodeClient) close() { _ = n.conn.Close() }

// snapshot asks for the newest snapshot, all pages of it.
func (n *nodeClient) snapshot(ctx context.Context) (*meshosv1.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	snapshot, err := document.Get(ctx, n, nil)
	if err != nil {
		return nil, n.explain(err)
	}
	n.answered, n.inMesh = true, snapshot.GetMesh().GetHeight() > 0
	return snapshot, nil
}

// receive reads a stream until it or ctx ends, and calls visit with each message.
func receive[M any](ctx context.Context, n *nodeClient, stream grpc.ServerStreamingClient[M], err error, visit func(*M) error) error {
	for {
		var message *M
		if err == nil {
			message, err = stream.Recv()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			if ctx.Err() != nil { // interrupted, which is the normal end of a stream
				return ctx.Err()
			}
			return n.explain(err)
		}
		n.answered = true
		if err := visit(message); err != nil {
			return err
		}
	}
}
