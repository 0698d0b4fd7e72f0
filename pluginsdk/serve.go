package pluginsdk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// serve is a plugin started by a host: handshake, calls, and an end for one of
// three reasons, which are the host's Shutdown call, the lifeline and SIGTERM.
func (p *program) serve() int {
	stdio, err := takeStdio()
	if err != nil {
		return p.failed(err)
	}
	log := wordy{hclog.New(&hclog.LoggerOptions{
		Level: p.logLevel(), Output: stdio.errors, JSONFormat: true,
	})}
	server, err := p.server(log)
	if err != nil {
		log.Error("this plugin can't be served: its author has to mend it", "error", err)
		return exitFailed
	}
	if err := socketFits(os.Getenv(plugin.EnvUnixSocketDir)); err != nil {
		log.Error("can't listen", "error", err)
		return exitFailed
	}

	// Without this a log line after the host's end would kill the process before
	// it has drained. Nothing reads the channel: asking for the signal is enough.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	hostGone, err := lifeline(p.env)
	if err != nil {
		log.Warn("the end of the host will not be noticed", "error", err)
	}

	config := serveConfig(server, stdio.option())
	config.Logger = hclog.New(&hclog.LoggerOptions{
		Name: "go-plugin", Level: hclog.Warn, Output: stdio.errors, JSONFormat: true,
	})
	served := make(chan struct{})
	go func() { // ends with the server, or with the process
		defer close(served)
		plugin.Serve(config.ServeConfig)
	}()

	select {
	case <-served:
		server.closeWithin(shutdownGrace)
		if !stdio.connected() {
			return exitFailed // go-plugin has said why
		}
		return exitDone
	case <-hostGone:
		log.Info("the host is gone or wants this plugin gone: ending")
	case <-term:
		log.Info("ending on SIGTERM")
	}
	server.closeWithin(shutdownGrace)
	config.stop()
	within(served, flushGrace) // it removes the socket
	return exitDone
}

// logLevel is the lowest level that is written.
func (p *program) logLevel() hclog.Level {
	if text, ok := p.env(wire.LogLevelVariable); ok {
		if level := hclog.LevelFromString(text); level != hclog.NoLevel {
			return level
		}
	}
	return hclog.Debug
}

// served is a go-plugin configuration, with a way to end what it started.
type served struct {
	*plugin.ServeConfig
	grpc chan *grpc.Server
}

// stop ends the server. The answers of calls that have ended are still sent; what
// hangs is cut off.
func (s served) stop() {
	var g *grpc.Server
	select {
	case g = <-s.grpc:
	default: // it never came so far
		return
	}
	flushed := make(chan struct{})
	go func() { // waits for author code, so it may end with the process only
		defer close(flushed)
		g.GracefulStop()
	}()
	if !within(flushed, flushGrace) {
		g.Stop()
	}
}

// serveConfig is what host and plugin agreed on.
func serveConfig(s *Server, extra ...grpc.ServerOption) served {
	made := make(chan *grpc.Server, 1)
	return served{
		grpc: made,
		ServeConfig: &plugin.ServeConfig{
			HandshakeConfig: plugin.HandshakeConfig{
				ProtocolVersion: wire.ProtocolVersion, MagicCookieKey: wire.CookieKey, MagicCookieValue: wire.CookieValue,
			},
			Plugins: plugin.PluginSet{wire.PluginName: &wirePlugin{server: s}},
			GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
				g := grpc.NewServer(append(append(opts, s.Options()...), extra...)...)
				made <- g
				return g
			},
		},
	}
}

// wirePlugin is the server as go-plugin wants it.
type wirePlugin struct {
	plugin.NetRPCUnsupportedPlugin
	server *Server
}

// GRPCServer registers the services.
func (w *wirePlugin) GRPCServer(_ *plugin.GRPCBroker, g *grpc.Server) error {
	w.server.Register(g)
	return nil
}

// GRPCClient is the host's side, which is not here.
func (w *wirePlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("pluginsdk serves plugins; it is no host")
}

// maxSocketDir leaves room in a socket's path, 107 bytes, for go-plugin's name.
const maxSocketDir = 107 - len("/plugin4294967295")

func socketFits(dir string) error {
	if len(dir) > maxSocketDir {
		return fmt.Errorf("the socket directory %s has %d bytes, and a socket's path leaves room for %d: "+
			"choose a shorter one in %s", dir, len(dir), maxSocketDir, plugin.EnvUnixSocketDir)
	}
	return nil
}
