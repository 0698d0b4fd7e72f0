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
	inv := &inventory{node: env.Node, interval: time.Duration(cfg.Interval), facts: new(pluginsdk.Facts)}
	inv.facts.Measured("version", &meshosv1.PeerInventory{SoftwareVersion: &software})
	for _, s := range sources {
		inv.collectors = append(inv.collectors, &collector{
			name: s.name, read: s.read, deadline: time.Duration(cfg.Deadline), facts: inv.facts, log: log,
		})
	}
	return inv
}

// SampleInventory returns at once what is known of this node. What a collector can't read is
// not in it; what it has not read again for a while has its age.
func (p *probe) SampleInventory(ctx context.Context) ([]*meshosv1.PeerInventory, error) {
	if p.inventory.complete.Load() {
		pluginsdk.Complete(ctx)
	}
	return []*meshosv1.PeerInventory{p.inventory.sample()}, nil
}

// Run collects until ctx ends.
func (p *probe) Run(ctx context.Context) error {
	p.inventory.run(ctx)
	return nil
}
