package pluginsdk

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// debug serves without a host, so that the process can run under a debugger: without
// TLS, on a socket that only this user can open, without lifeline and deadlines.
func (p *program) debug() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return tempDir(func(dir string) int { return p.debugIn(ctx, dir) }, p.failed)
}

func (p *program) debugIn(ctx context.Context, dir string) int {
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: p.err})
	server, err := p.server(log)
	if err != nil {
		return p.failed(err)
	}
	server.noDeadlines = true
	if err := socketFits(dir); err != nil {
		return p.failed(err)
	}
	if err := os.Setenv(plugin.EnvUnixSocketDir, dir); err != nil {
		return p.failed(err)
	}
	reattach := make(chan *plugin.ReattachConfig, 1)
	closed := make(chan struct{})
	config := serveConfig(server)
	config.Logger = log.Named("go-plugin")
	config.Logger.SetLevel(hclog.Warn)
	config.Test = &plugin.ServeTestConfig{Context: ctx, ReattachConfigCh: reattach, CloseCh: closed}
	go plugin.Serve(config.ServeConfig) // ends with ctx, or when a client calls Shutdown

	select {
	case at := <-reattach:
		line, err := json.Marshal(map[string]wire.Reattach{p.info.Name: {
			Protocol: string(at.Protocol), ProtocolVersion: at.ProtocolVersion, PID: at.Pid,
			Network: at.Addr.Network(), Address: at.Addr.String(),
		}})
		if err != nil {
			return p.failed(err)
		}
		fmt.Fprintf(p.err, "%s serves without a host, for a debugger. Call it on the socket below with any\n"+
			"gRPC client, Configure first; end this with Ctrl-C.\n\n", p.info.Name)
		fmt.Fprintf(p.out, "%s='%s'\n", wire.ReattachVariable, line)
	case <-closed:
		return p.failed(fmt.Errorf("can't listen in %s", dir))
	}
	<-closed
	server.closeWithin(shutdownGrace)
	return exitDone
}
