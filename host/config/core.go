package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Policy returns the thresholds and time limits that the core decides with.
func (c *Config) Policy() state.Policy {
	return state.Policy{
		SampleTTL:         c.Loop.SampleTTL,
		Settle:            c.Loop.Settle,
		ActionTimeout:     c.Loop.ActionTimeout,
		ActionQueue:       c.Loop.ActionQueue,
		DegradedRTT:       c.Locality.DegradedRTT,
		AvoidTTL:          c.Locality.AvoidTTL,
		UnreachableGrace:  c.Locality.UnreachableGrace,
		DrainDeadline:     c.Maintenance.DrainDeadline,
		RecoveryRamp:      c.Maintenance.RecoveryRamp,
		ExitReport:        c.Maintenance.ExitReport,
		ScoreFloor:        float32(c.Scheduler.ScoreFloor),
		HysteresisGap:     float32(c.Scheduler.HysteresisGap),
		RebalanceCooldown: c.Scheduler.Cooldown,
		DecisionInterval:  c.Scheduler.DecisionInterval,
		CostPerSecond:     c.Scheduler.CostPerSecond,
		ForcedTTL:         c.Scheduler.ForcedTTL,
		Restart: state.RestartPolicy{
			Initial:            c.Restart.Initial,
			Factor:             c.Restart.Factor,
			Max:                c.Restart.Max,
			CrashLoopThreshold: c.Restart.CrashLoopThreshold,
			CrashLoopWindow:    c.Restart.CrashLoopWindow,
			CrashLoopCooldown:  c.Restart.CrashLoopCooldown,
			StableRun:          c.Restart.StableRun,
		},
		StopGrace: c.Restart.StopGrace,
	}
}

// Desired returns the peers, chains and daemons that the file asks for.
func (c *Config) Desired() mesh.Configured {
	var out mesh.Configured
	for _, peer := range c.Peers {
		out.Peers = append(out.Peers, mesh.ConfiguredPeer{ID: peer.ID, Name: peer.Name})
	}
	for _, chain := range c.Chains {
		configured := mesh.ConfiguredChain{ID: chain.ID, Replicas: chain.Replicas}
		if chain.Hold != nil {
			configured.Hold = mesh.HoldDrop
			if *chain.Hold {
				configured.Hold = mesh.HoldKeep
			}
		}
		out.Chains = append(out.Chains, configured)
	}
	for _, daemon := range c.Daemons {
		out.Daemons = append(out.Daemons, mesh.ConfiguredDaemon{
			Daemon: daemon.Ref(), Run: daemon.Run, Essential: daemon.Essential, Node: daemon.Node,
			Checked: daemon.Health != nil, Config: ProcessHash(daemon.Command, daemon.Env, daemon.Dir),
		})
	}
	return out
}

// ProcessHash returns a hash of what a daemon's process is started with, by which one is
// recognized that runs with another configuration. The node's own environment does not
// count.
func ProcessHash(command []string, env map[string]string, dir string) string {
	if len(env) == 0 {
		env = nil
	}
	text, _ := json.Marshal([]any{command, env, dir}) // strings only: it can't fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
