package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Policy returns the thresholds and time limits that the core decides with.
func (c *Config) Policy() state.Policy {
	return state.Policy{
		TickInterval:      c.Loop.TickInterval,
		SampleTTL:         c.Loop.SampleTTL,
		Settle:            c.Loop.Settle,
		ActionTimeout:     c.Loop.ActionTimeout,
		ActionQueue:       c.Loop.ActionQueue,
		DegradedRTT:       c.Locality.DegradedRTT,
		DegradedLoss:      c.Locality.DegradedLoss,
		DegradedFor:       c.Locality.DegradedFor,
		RecoverAfter:      c.Locality.RecoverAfter,
		Failures:          c.Locality.Failures,
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
	for _, key := range slices.Sorted(maps.Keys(c.Node.Labels)) {
		out.Labels = append(out.Labels, mesh.Label{Key: key, Value: c.Node.Labels[key]})
	}
	for _, peer := range c.Peers {
		out.Peers = append(out.Peers, mesh.ConfiguredPeer{ID: peer.ID, Name: peer.Name})
	}
	for _, chain := range c.Chains {
		configured := mesh.ConfiguredChain{ID: chain.ID, Replicas: chain.Replicas, Spread: chain.Spread}
		if chain.Stream != nil { // the log of the mesh says so
			configured.Replicas, configured.Spread = nil, ""
		}
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
			Checked: daemon.Health != nil, Config: daemon.ProcessHash(), StopGrace: daemon.Stop.Grace,
			Restart: daemon.Restart, Gate: daemon.Gate,
			Reloadable:       daemon.ReloadSignal != "" || len(daemon.ReloadCommand) > 0,
			RestartUnhealthy: daemon.Health != nil && daemon.Health.OnUnhealthy == "restart",
			After:            c.daemonsNamed(daemon.After), Requires: c.daemonsNamed(daemon.Requires),
		})
	}
	return out
}

// ProcessHash returns a hash of what a daemon's process is started with, by which one is
// recognized that runs with another configuration. The node's own environment does not
// count, nor what is in the files that the entry names.
func (d Daemon) ProcessHash() string {
	env := d.Env
	if len(env) == 0 {
		env = nil
	}
	what := []any{d.Command, env, d.Dir}
	more := make(map[string]string)
	for _, s := range d.settings() {
		counts := slices.Contains(startedWith(), s.key) || s.key == "env" && len(d.Sources.Values) > 0
		if text := s.text(); text != "" && counts {
			more[s.key] = text
		}
	}
	if len(more) > 0 { // an entry without these keys keeps the hash that it had before they existed
		what = append(what, more)
	}
	text, _ := json.Marshal(what) // texts only: it can't fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// startedWith returns the keys of [[daemon]], beside command, env and dir, whose change
// takes a new process.
func startedWith() []string {
	return []string{"kill_mode", "stop_signal", "limits", "env_file", "pre_start", "post_stop", "user", "group", "umask", "nice", "oom_score_adj"}
}
