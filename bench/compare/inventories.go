package main

import (
	"context"
	"errors"
	"time"
)

const collections = 100 // ten a second

// inventories compares inventory-procfs with node_exporter, with those of its collectors that
// read the same facts.
func inventories() row {
	const program = "prometheus-node-exporter"
	return row{
		name: "inventory", what: "the facts of this machine, ten times a second", peer: "node_exporter",
		tools: []tool{{program, program}},
		round: func(ctx context.Context, b *bench) ([]figure, error) {
			ours, err := ownInventories(ctx, b)
			if err != nil {
				return nil, err
			}
			theirs, err := nodeExporter(ctx, program)
			if err != nil {
				return nil, err
			}
			return []figure{{Name: "CPU for a collection", Unit: "ms", Ours: ours * 1e3, Peer: theirs * 1e3, Wanted: "≤ 1"}}, nil
		},
	}
}

// ownInventories returns the CPU time of one collection, in seconds.
func ownInventories(ctx context.Context, b *bench) (float64, error) {
	p, err := b.run(ctx, "inventory-procfs", map[string]any{"interval": "100ms"}, nil)
	if err != nil {
		return 0, err
	}
	defer p.end()
	probe, err := p.InventoryProbe(p.name)
	if err != nil {
		return 0, err
	}
	return each100ms(ctx, p.pid(), func() error {
		got, err := probe.SampleInventory(ctx)
		if err == nil && len(got.Samples) == 0 {
			err = errors.New("inventory-procfs said nothing")
		}
		return err
	})
}

func nodeExporter(ctx context.Context, program string) (float64, error) {
	address, err := freePort()
	if err != nil {
		return 0, err
	}
	url := "http://" + address + "/metrics"
	args := []string{"--web.listen-address=" + address, "--web.disable-exporter-metrics", "--collector.disable-defaults"}
	for _, name := range []string{"cpu", "meminfo", "loadavg", "filesystem", "uname", "pressure", "hwmon", "netclass"} {
		args = append(args, "--collector."+name)
	}
	s, err := serve(ctx, url, program, args...)
	if err != nil {
		return 0, err
	}
	defer s.end()
	return each100ms(ctx, s.pid(), func() error { _, err := get(ctx, url); return err })
}

// each100ms returns the CPU time that a process uses for one of many collections.
func each100ms(ctx context.Context, pid int, collect func() error) (float64, error) {
	if err := rest(ctx, time.Second); err != nil {
		return 0, err
	}
	cpu, err := usage(pid, func() error {
		for range collections {
			if err := rest(ctx, 100*time.Millisecond); err != nil {
				return err
			}
			if err := collect(); err != nil {
				return err
			}
		}
		return nil
	})
	return cpu / collections, err
}
