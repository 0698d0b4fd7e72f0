package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// daemons compares a node that supervises 200 daemons with runit. bench/supervise does it, in a
// process of its own: it becomes the parent of all that it starts.
func daemons() row {
	return row{
		name: "daemons", what: "200 daemons that sleep: private memory of what supervises them, and CPU to start", peer: "runit",
		tools: []tool{{"runsvdir", "runit"}},
		round: func(ctx context.Context, b *bench) ([]figure, error) {
			program := filepath.Join(b.dir, "supervise")
			if err := b.build(ctx, program); err != nil {
				return nil, err
			}
			cmd := exec.CommandContext(ctx, program, "-runs", "1", "-o", "json", "-meshos", filepath.Join(b.bin, "meshos"))
			cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // then it ends what it started
			cmd.WaitDelay = time.Minute
			text, err := cmd.Output()
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
				err = fmt.Errorf("%w: %s", err, exit.Stderr)
			}
			type cost struct {
				Each   float64 `json:"each_kb"`
				Others float64 `json:"others_kb"`
				CPU    float64 `json:"cpu_s"`
			}
			var found struct {
				Runit cost `json:"runit"`
				Node  cost `json:"node"`
			}
			if err == nil {
				err = json.Unmarshal(text, &found)
			}
			if err != nil {
				return nil, err
			}
			return []figure{
				{Name: "private memory of a shim, of a runsv", Unit: "kB", Ours: found.Node.Each, Peer: found.Runit.Each, Wanted: "≤ 6"},
				{Name: "CPU to start all of them", Unit: "s", Ours: found.Node.CPU, Peer: found.Runit.CPU, Wanted: "≤ 3"},
			}, nil
		},
	}
}
