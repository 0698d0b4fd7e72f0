package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
)

// notRecorded stands for the command of a daemon in a recorded reload, and for the target of
// its health check: the core sees neither. It sees the hash of what the daemon is started
// with, which is the argument of this command.
const notRecorded = "not-recorded"

// readConfig reads the configuration in an entry. The text may leave out node.id, which
// Boot holds too. A node.name that is left out stays empty: it is not taken from the
// machine that replays.
func readConfig(field, text string) (*config.Config, error) {
	cfg, err := config.Parse(field, text)
	var report *config.Report
	if errors.As(err, &report) {
		report.Problems = slices.DeleteFunc(report.Problems, func(p config.Problem) bool {
			return p.Key == "node.id" && p.Message == "is missing"
		})
		if len(report.Problems) > 0 {
			return nil, fmt.Errorf("the configuration has mistakes:\n%w", report)
		}
		cfg, err = config.Parse(field, withNodeID(text))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	if given, err := config.PeekText(field, text, "node.name"); err != nil || given.Node.Name == "" {
		cfg.Node.Name = ""
	}
	return cfg, nil
}

// withNodeID adds a node.id, which is not used, to a text that lacks only that.
func withNodeID(text string) string {
	const id = "id = 9223372036854775807"
	header := regexp.MustCompile(`(?m)^[ \t]*\[[ \t]*node[ \t]*\]`).FindStringIndex(text)
	if header == nil {
		return text + "\n[node]\n" + id + "\n"
	}
	return text[:header[1]] + "\n" + id + text[header[1]:]
}

// reloadText returns a configuration that has the peers, chains and daemons of a reload.
func reloadText(in mesh.Configured) (string, error) {
	out := reloaded{Node: reloadedNode{ID: math.MaxInt64}}
	for slices.ContainsFunc(in.Peers, func(p mesh.ConfiguredPeer) bool { return uint64(p.ID) == uint64(out.Node.ID) }) {
		out.Node.ID-- // any id but a peer's: it is not used
	}
	for _, p := range in.Peers {
		out.Peer = append(out.Peer, reloadedPeer{ID: uint64(p.ID), Name: p.Name})
	}
	for _, c := range in.Chains {
		chain := reloadedChain{ID: uint64(c.ID), Replicas: c.Replicas}
		if c.Hold != mesh.HoldNone {
			hold := c.Hold == mesh.HoldKeep
			chain.Hold = &hold
		}
		out.Chain = append(out.Chain, chain)
	}
	for _, d := range in.Daemons {
		daemon := reloadedDaemon{
			ID: uint64(d.Daemon.ID), Name: d.Daemon.Name, Command: []string{notRecorded},
			Run: d.Run, Essential: d.Essential, Node: uint64(d.Node),
			Restart: d.Restart.String(), reloadedGate: gateText(d.Gate),
			After: idWords(d.After), Requires: idWords(d.Requires),
		}
		if d.Reloadable {
			daemon.ReloadSignal = "SIGHUP"
		}
		if d.Gate != (mesh.RestartValues{}) {
			out.Bounds = &reloadedBounds{Initial: "1ns", Max: time.Duration(math.MaxInt64).String()}
		}
		if d.Restart == mesh.RestartAlways {
			daemon.Restart = ""
		}
		if d.Config != "" {
			daemon.Command = append(daemon.Command, d.Config)
		}
		if d.StopGrace > 0 {
			daemon.StopGrace = d.StopGrace.String()
		}
		if d.Checked {
			daemon.Health = &reloadedHealth{Type: "exec", Command: []string{notRecorded}}
			if d.RestartUnhealthy {
				daemon.Health.OnUnhealthy = "restart"
			}
		}
		out.Daemon = append(out.Daemon, daemon)
	}
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(out); err != nil {
		return "", fmt.Errorf("reload as TOML: %w", err)
	}
	text := b.String()
	if _, err := readConfig("reload.config_toml", text); err != nil {
		return "", err
	}
	return text, nil
}

func idWords(ids []mesh.DaemonID) (out []string) {
	for _, id := range ids {
		out = append(out, strconv.FormatUint(uint64(id), 10))
	}
	return out
}

func gateText(in mesh.RestartValues) reloadedGate {
	text := func(d *time.Duration) string {
		if d == nil {
			return ""
		}
		return d.String()
	}
	return reloadedGate{
		Initial: text(in.Initial), Factor: in.Factor, Max: text(in.Max), Threshold: in.CrashLoopThreshold,
		Window: text(in.CrashLoopWindow), Cooldown: text(in.CrashLoopCooldown), StableRun: text(in.StableRun),
	}
}

// recordedDesired returns what a recorded reload asks for.
func recordedDesired(cfg *config.Config) mesh.Configured {
	out := cfg.Desired()
	for i, d := range cfg.Daemons {
		switch command := d.Command; {
		case len(command) == 0 || command[0] != notRecorded: // written by hand
		case len(command) == 1:
			out.Daemons[i].Config = ""
		default:
			out.Daemons[i].Config = command[1]
		}
	}
	return out
}

// The sections of a configuration that a reload replaces.
type (
	reloaded struct {
		Node   reloadedNode     `toml:"node"`
		Bounds *reloadedBounds  `toml:"restart,omitempty"`
		Peer   []reloadedPeer   `toml:"peer,omitempty"`
		Chain  []reloadedChain  `toml:"chain,omitempty"`
		Daemon []reloadedDaemon `toml:"daemon,omitempty"`
	}
	// reloadedBounds are a [restart] with which every restart_initial and restart_max is valid.
	reloadedBounds struct {
		Initial string `toml:"initial"`
		Max     string `toml:"max"`
	}
	reloadedNode struct {
		ID int64 `toml:"id"`
	}
	reloadedPeer struct {
		ID   uint64 `toml:"id"`
		Name string `toml:"name,omitempty"`
	}
	reloadedChain struct {
		ID       uint64  `toml:"id"`
		Replicas *uint32 `toml:"replicas,omitempty"`
		Hold     *bool   `toml:"hold,omitempty"`
	}
	reloadedDaemon struct {
		ID           uint64          `toml:"id"`
		Name         string          `toml:"name,omitempty"`
		Command      []string        `toml:"command"`
		Run          bool            `toml:"run"`
		Essential    bool            `toml:"essential"`
		Node         uint64          `toml:"node,omitzero"`
		StopGrace    string          `toml:"stop_grace,omitempty"`
		Health       *reloadedHealth `toml:"health,omitempty"`
		Restart      string          `toml:"restart,omitempty"`
		ReloadSignal string          `toml:"reload_signal,omitempty"`

		After    []string `toml:"after,omitempty"`
		Requires []string `toml:"requires,omitempty"`
		reloadedGate
	}
	reloadedGate struct {
		Initial   string   `toml:"restart_initial,omitempty"`
		Factor    *float64 `toml:"restart_factor,omitempty"`
		Max       string   `toml:"restart_max,omitempty"`
		Threshold *int     `toml:"restart_crash_loop_threshold,omitempty"`
		Window    string   `toml:"restart_crash_loop_window,omitempty"`
		Cooldown  string   `toml:"restart_crash_loop_cooldown,omitempty"`
		StableRun string   `toml:"restart_stable_run,omitempty"`
	}
	reloadedHealth struct {
		Type    string   `toml:"type"`
		Command []string `toml:"command"`

		OnUnhealthy string `toml:"on_unhealthy,omitempty"`
	}
)
