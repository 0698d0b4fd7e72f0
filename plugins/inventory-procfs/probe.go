package main

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/procfs"

	"github.com/meshos/meshos/pluginsdk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// probe is one configured instance.
type probe struct {
	inventory *inventory
}

func newProbe(env pluginsdk.Env, cfg config) (*probe, error) {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return nil, fmt.Errorf("this plugin needs /proc: %w", err)
	}
	return &probe{newInventory(env, cfg, []named{
		{"memory", readMemory},
		{"load", readLoad},
		{"saturation", readTrend(proc)},
		{"capabilities", readCapabilities(proc, cfg.Tags)},
		{"disk", readDisk(cfg.DiskPath)}, // last: it is the one that may hang
	}, env.Log)}, nil
}

// named is a source with a name for the log.
type named struct {
	name string
	read source
}

func newInventory(env pluginsdk.Env, cfg config, sources []named, log hclog.Logger) *inventory {
	software := cfg.Version
	if software == "" {
		software = "inventory-procfs " + version
	}
	inv := &inventory{
		interval: time.Duration(cfg.Interval),
		base:     &meshosv1.PeerInventory{Peer: env.Node, SoftwareVersion: &software},
	}
	for _, s := range sources {
		inv.collectors = append(inv.collectors, &collector{name: s.name, read: s.read, deadline: time.Duration(cfg.Deadline), log: log})
	}
	return inv
}

// SampleInventory returns at once what is known of this node.
func (p *probe) SampleInventory(context.Context) ([]*meshosv1.PeerInventory, error) {
	if s := p.inventory.sample(); s != nil {
		return []*meshosv1.PeerInventory{s}, nil
	}
	return nil, nil
}

// Run collects until ctx ends.
func (p *probe) Run(ctx context.Context) error {
	p.inventory.run(ctx)
	return nil
}
