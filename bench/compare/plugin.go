package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/meshos/meshos/host/catalog"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// plugin is a running plugin of ours, as a node runs it.
type plugin struct {
	*catalog.Catalog
	name  string
	stop  context.CancelFunc
	ended chan error
}

// run starts a plugin and waits until it is ready.
func (b *bench) run(ctx context.Context, name string, config map[string]any, peers []*pluginv1.Peer) (*plugin, error) {
	dir, err := os.MkdirTemp(b.dir, "p")
	if err != nil {
		return nil, err
	}
	c, err := catalog.New(catalog.Options{
		Entries: []catalog.Entry{{Name: name, Path: b.plugin(name), Enabled: true, Required: true, Config: config}},
		DataDir: filepath.Join(dir, "data"), RunDir: dir, Node: 1, Peers: peers,
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	p := &plugin{Catalog: c, name: name, stop: stop, ended: make(chan error, 1)}
	ready := make(chan struct{}, 1)
	go func() {
		p.ended <- c.Run(ctx, func(string, []string) {
			select {
			case ready <- struct{}{}:
			default:
			}
		})
	}()
	select {
	case <-ready:
		return p, nil
	case err := <-p.ended:
		stop()
		return nil, errors.Join(fmt.Errorf("%s did not start", name), err)
	}
}

// pid returns the process of the plugin.
func (p *plugin) pid() int { return p.Views()[0].PID }

func (p *plugin) end() {
	p.stop()
	<-p.ended
}
