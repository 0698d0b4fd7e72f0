package api

import (
	"context"
	"net"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

// Origin names the plugin that a process belongs to, "" for none, and reports whether the
// plugin may call the service. It is asked once for each connection.
type Origin func(pid int) (plugin string, allowed bool)

// acceptor is a listener that knows who connects, and bounds how often.
type acceptor struct {
	net.Listener

	connections *connections
	origin      Origin // nil if there are no plugins
	onRefused   func(who, why string)
}

// Accept implements net.Listener. Refused connections are returned as well: their calls are
// answered with the reason.
func (a *acceptor) Accept() (net.Conn, error) {
	for {
		conn, err := a.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c, err := a.examine(conn)
		if err != nil { // the client has gone already
			_ = conn.Close()
			continue
		}
		a.connections.add(c)
		if c.refused != nil && a.onRefused != nil {
			a.onRefused(c.owner.String(), status.Convert(c.refused).Message())
		}
		return c, nil
	}
}

func (a *acceptor) examine(conn net.Conn) (*connection, error) {
	allowed := true
	var examine func(Caller) string
	if a.origin != nil {
		examine = func(c Caller) (plugin string) {
			plugin, allowed = a.origin(c.PID)
			return plugin
		}
	}
	caller, gone, err := peerOf(conn, examine)
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: conn, caller: caller}
	switch {
	case caller.Plugin != "" && !allowed:
		c.refused = status.Errorf(codes.PermissionDenied,
			"this process belongs to plugin %s, which may not use the node's API; put api = true into its entry and run meshos reload if it should", caller.Plugin)
	case gone && a.origin != nil:
		c.refused = status.Errorf(codes.PermissionDenied,
			"the process that opened this connection (pid %d) has ended, so the node can't tell whether it belonged to a plugin", caller.PID)
	}
	return c, nil
}

// refuse answers the calls of refused connections, before anything is read of them.
func refuse(ctx context.Context, _ *tap.Info) (context.Context, error) {
	if c, ok := connectionOf(ctx); ok && c.refused != nil {
		return ctx, c.refused
	}
	return ctx, nil
}

// callCounter counts the calls of each connection.
type callCounter struct{}

// HandleRPC implements stats.Handler.
func (callCounter) HandleRPC(ctx context.Context, s stats.RPCStats) {
	c, ok := connectionOf(ctx)
	if !ok {
		return
	}
	switch s.(type) {
	case *stats.Begin:
		c.begin()
	case *stats.End:
		c.end()
	}
}

// TagRPC implements stats.Handler.
func (callCounter) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// TagConn implements stats.Handler.
func (callCounter) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (callCounter) HandleConn(context.Context, stats.ConnStats) {}
