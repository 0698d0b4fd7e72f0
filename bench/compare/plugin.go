package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// plugin is a running plugin of ours, as a node runs it.
type plugin struct {
	*catalog.Catalog
	name  string
	entry catalog.Entry
	stop  context.CancelFunc
	ended chan error
}

// run starts a plugin and waits until it is ready.
func (b *bench) run(ctx context.Context, name string, config map[string]any, peers []*pluginv1.Peer) (*plugin, error) {
	return b.runFile(ctx, name, b.plugin(name), "", config, peers)
}

// runFile starts a plugin from a file, which is checked before it runs if sum is not empty.
func (b *bench) runFile(ctx context.Context, name, file, sum string, config map[string]any, peers []*pluginv1.Peer) (*plugin, error) {
	dir, err := os.MkdirTemp(b.dir, "p")
	if err != nil {
		return nil, err
	}
	entry := catalog.Entry{Name: name, Path: file, SHA256: sum, Enabled: true, Required: true, Config: config}
	c, err := catalog.New(catalog.Options{
		Entries: []catalog.Entry{entry}, Spawner: b.spawner,
		DataDir: filepath.Join(dir, "data"), RunDir: dir, Node: 1, Peers: peers,
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	p := &plugin{Catalog: c, name: name, entry: entry, stop: stop, ended: make(chan error, 1)}
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

// restart has the catalog replace the plugin's process, and returns how long it took to verify,
// start and set up the next one.
func (p *plugin) restart(ctx context.Context) (time.Duration, error) {
	before := p.pid()
	next := p.entry
	next.Env = []string{fmt.Sprintf("AFTER=%d", before)}
	if err, _ := p.Change(ctx, next); err != nil {
		return 0, err
	}
	for {
		v := p.Views()[0]
		if v.Status == snapshot.PluginReady && v.PID != before {
			break
		}
		if err := rest(ctx, time.Millisecond); err != nil {
			return 0, err
		}
	}
	said, err := p.Describe(p.name)
	if err != nil {
		return 0, err
	}
	var from, to time.Time
	for _, e := range said.GetTimeline() {
		switch at := e.GetAt().AsTime(); {
		case strings.HasPrefix(e.GetWhat(), "ended"):
			from = at
		case e.GetWhat() == "ready":
			to = at
		}
	}
	return to.Sub(from), nil
}

// sha256Of returns the hash of a file, as an entry has it.
func sha256Of(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
