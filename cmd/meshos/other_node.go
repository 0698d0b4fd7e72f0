package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/meshos/meshos/host/api"
)

// askable are the commands that can ask another node of the mesh: they only read. Those that
// order something have a --node of their own, which names the node to act on.
func askable() []string {
	return []string{
		"status", "health", "nodes", "logs", "failures", "actions", "explain", "plugin list", "plugin describe", "daemon list",
		"audit tail", "operators list", "version",
	}
}

// checkNode refuses --node for commands that can't ask another node.
func (a *app) checkNode(cmd *cobra.Command) error {
	if a.node.word == "" {
		return nil
	}
	path := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
	if slices.Contains(askable(), path) {
		return nil
	}
	return fmt.Errorf("--node: %s can't ask another node; run it on node %s itself. These can: %s", path, a.node.word, strings.Join(askable(), ", "))
}

// aside names the node of the mesh that a call is meant for.
func (n *nodeClient) aside(ctx context.Context) context.Context {
	if n.other == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, api.NodeHeader, n.other)
}

func (n *nodeClient) unary(ctx context.Context, method string, in, out any, conn *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return call(n.aside(ctx), method, in, out, conn, opts...)
}

func (n *nodeClient) stream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return open(n.aside(ctx), desc, conn, method, opts...)
}

// otherSilent is the error of another node that does not answer through this one.
func (n *nodeClient) otherSilent(reason string) error {
	return &noAnswerError{path: n.path, other: n.other, reason: reason, hint: "meshos nodes shows which nodes of the mesh are there, and since when one is gone"}
}
