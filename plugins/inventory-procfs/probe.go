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
	warnings  []string
}

func newProbe(env pluginsdk.Env, cfg config) (*probe, error) {
	return newProbeIn("/", env, cfg)
}

// newProbeIn reads proc and sys below r.
func newProbeIn(r root, env pluginsdk.Env, cfg config) (*probe, error) {
	proc, err := procfs.NewFS(r.path("proc"))
	if err != nil {
		return nil, fmt.Errorf("this plugin needs /proc: %w", err)
	}
	inv := newInventory(env, cfg, []named{
		{"memory", readMemory(r)},
		{"cpu", readCPU(r, affinity)},
		{"saturation", readTrend(r, proc)},
		{"capabilities", readCapabilities(proc, cfg.Tags)},
	}, env.Log)
	for _, slow := range []named{ // these ask devices
		{"temperatures", readTemperatures(r)},
		{"links", readLinks(r)},
		{"gpus", readGPUs(r)},
	} {
		inv.add(slow, inv.facts).rest = time.Duration(cfg.HardwareInterval)
	}
	// Last: they are those that may hang.
	if env.DataDir != "" {
		inv.watch(knownDisk{collector: "disk of the data folder", data: true}, readDisk(env.DataDir, "is the data folder gone?"))
	}
	for _, path := range cfg.paths() {
		inv.watch(knownDisk{collector: "disk " + path}, readDisk(path, "set disk_paths to paths that exist"))
	}
	return &probe{inventory: inv, warnings: cfg.warnings()}, nil
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
		node: env.Node, interval: time.Duration(cfg.Interval), deadline: time.Duration(cfg.Deadline), log: log,
		facts: new(pluginsdk.Facts),
		disks: &disks{late: max(10*time.Second, 3*time.Duration(cfg.Interval))},
	}
	inv.facts.Measured("version", &meshosv1.PeerInventory{SoftwareVersion: &software})
	for _, s := range sources {
		inv.add(s, inv.facts)
	}
	return inv
}

// Warnings implements pluginsdk.Warner.
func (p *probe) Warnings() []string { return p.warnings }

// SampleInventory returns at once what is known of this node. What a collector can't read is
// not in it; what it has not read again for a while has its age.
func (p *probe) SampleInventory(ctx context.Context) ([]*meshosv1.PeerInventory, error) {
	if !p.inventory.complete.Load() {
		return nil, nil
	}
	pluginsdk.Complete(ctx)
	return []*meshosv1.PeerInventory{p.inventory.sample()}, nil
}

// Run collects until ctx ends.
func (p *probe) Run(ctx context.Context) error {
	p.inventory.run(ctx)
	return nil
}
