package pluginsdk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/meshos/meshos/internal/dumpable"
	"github.com/meshos/meshos/pluginsdk/wire"
)

// serve runs a plugin that a host started: the handshake, then calls, until one of three
// ends it: the host's Shutdown call, the end of the lifeline, or SIGTERM.
func (p *program) serve() int {
	undumpable := dumpable.Forbid()
	stdio, err := takeStdio()
	if err != nil {
		return p.failed(err)
	}
	log := textLogger{hclog.New(&hclog.LoggerOptions{
		Level: p.logLevel(), Output: stdio.errors, JSONFormat: true,
	})}
	if undumpable != nil {
		log.Warn("other processes of this user can read this one", "error", undumpable)
	}
	server, err := p.server(log)
	if err != nil {
		log.Error("this plugin can't be served: its author has to fix it", "error", err)
		return exitFailed
	}
	if err := socketFits(os.Getenv(plugin.EnvUnixSocketDir)); err != nil {
		log.Error("can't listen", "error", err)
		return exitFailed
	}

	// Without this a log line after the host's end would kill the process before its
	// calls have finished. Nothing reads the channel: to ask for the signal is enough.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	hostGone, err := lifeline(p.env)
	if err != nil {
		log.Warn("the end of the host will not be noticed", "error", err)
	}

	var extra []grpc.ServerOption
	var tlsConfig *tls.Config
	if pem, ok := p.env(clientCertificate); ok {
		var answer string
		tlsConfig, answer, err = serverTLS(pem)
		if err == nil {
			err = stdio.certify(answer)
		}
		if err != nil {
			log.Error("can't serve over TLS", "error", err)
			return exitFailed
		}
		tlsConfig.GetConfigForClient = stdio.greeted
	} else {
		extra = append(extra, grpc.StatsHandler(stdio))
	}
	config := serveConfig(server, extra...)
	config.Logger = hclog.New(&hclog.LoggerOptions{
		Name: "go-plugin", Level: hclog.Warn, Output: stdio.errors, JSONFormat: true,
	})
	if tlsConfig != nil {
		config.TLSProvider = func() (*tls.Config, error) { return tlsConfig, nil }
	}
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
		log.Info("ending: the host is gone or ends this plugin")
	case <-term:
		log.Info("ending: SIGTERM")
	}
	server.closeWithin(shutdownGrace)
	config.stop()
	within(served, flushGrace) // it removes the socket
	return exitDone
}

// logLevel returns the lowest level that is logged.
func (p *program) logLevel() hclog.Level {
	if text, ok := p.env(wire.LogLevelVariable); ok {
		if level := hclog.LevelFromString(text); level != hclog.NoLevel {
			return level
		}
	}
	return hclog.Debug
}

// served is a go-plugin configuration and the server that go-plugin makes with it.
type served struct {
	*plugin.ServeConfig
	grpc chan *grpc.Server
}

// stop ends the server. Answers of finished calls are still sent; calls that hang are
// cut off.
func (s served) stop() {
	var g *grpc.Server
	select {
	case g = <-s.grpc:
	default: // go-plugin has made none
		return
	}
	flushed := make(chan struct{})
	go func() { // waits for author code, so it may run until the process ends
		defer close(flushed)
		g.GracefulStop()
	}()
	if !within(flushed, flushGrace) {
		g.Stop()
	}
}

// callWorkers is how many goroutines stay for calls, and for what a host keeps open: the stack of a
// new one grows several times in a call, which takes longer than all of the SDK. Further calls get
// goroutines of their own.
const callWorkers = 4

// serveConfig returns the go-plugin configuration that hosts expect.
func serveConfig(s *Server, extra ...grpc.ServerOption) served {
	made := make(chan *grpc.Server, 1)
	return served{
		grpc: made,
		ServeConfig: &plugin.ServeConfig{
			HandshakeConfig: plugin.HandshakeConfig{
				ProtocolVersion: wire.ProtocolVersion, MagicCookieKey: wire.CookieKey, MagicCookieValue: wire.CookieValue,
			},
			Plugins: plugin.PluginSet{wire.PluginName: &grpcPlugin{server: s}},
			GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
				opts = append(append(opts, s.Options()...), grpc.NumStreamWorkers(callWorkers))
				g := grpc.NewServer(append(opts, extra...)...)
				made <- g
				return g
			},
		},
	}
}

// grpcPlugin adapts the server to go-plugin's interface.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	server *Server
}

// GRPCServer registers the services.
func (w *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, g *grpc.Server) error {
	w.server.Register(g)
	return nil
}

// GRPCClient is the host's side, which this package does not have.
func (w *grpcPlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("pluginsdk serves plugins: it is not a host")
}

// maxSocketDir is the longest directory to which go-plugin's file name can be added: a
// socket's path has 107 bytes.
const maxSocketDir = 107 - len("/plugin4294967295")

func socketFits(dir string) error {
	if len(dir) > maxSocketDir {
		return fmt.Errorf("the socket directory %s has %d bytes, at most %d fit into a socket's path: "+
			"choose a shorter one in %s", dir, len(dir), maxSocketDir, plugin.EnvUnixSocketDir)
	}
	return nil
}
