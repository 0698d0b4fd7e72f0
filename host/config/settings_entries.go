package config

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/pluginsdk/wire"
)

func (p *Peer) settings() []setting {
	return []setting{
		id("id", &p.ID).needed(),
		textOrNone("name", &p.Name),
		hostAddress("address", &p.Address),
		healthTarget("health", &p.Health),
		addressFamily("family", &p.Family),
	}
}

func (c *Chain) settings() []setting {
	return []setting{
		id("id", &c.ID).needed(),
		leftOut(textOrNone("name", &c.Name).checked(func() *fault { return badChainName(c.Name) }), func() bool { return c.Name == "" }),
		optional(&c.Replicas, replicas),
		optional(&c.Hold, func(at *bool) setting { return boolean("hold", at) }),
		leftOut(textOrNone("spread", &c.Spread).checked(func() *fault {
			if c.Spread == "" {
				return nil
			}
			return badLabel(c.Spread)
		}), func() bool { return c.Spread == "" }),
		section("stream", &c.Stream, func() ChainStream { return ChainStream{Retention: mesh.RetainLimits.String()} }, (*ChainStream).settings),
	}
}

func replicas(at *uint32) setting {
	n := int(*at)
	s := count("replicas", &n, 0, math.MaxUint32)
	return s.checked(func() *fault {
		*at = uint32(n)
		return nil
	})
}

func (d *Daemon) settings() []setting {
	return slices.Concat([]setting{
		id("id", &d.ID).needed(),
		textOrNone("name", &d.Name),
		texts("command", &d.Command).needed().checked(func() *fault { return badCommand(d.Command) }),
		environmentOrFiles("env", &d.Env, &d.Sources.Values),
		envFiles("env_file", &d.Sources.Files),
		textOrNone("dir", &d.Dir),
	}, d.Stop.settings(), []setting{
		daemonLimits("limits", &d.Limits),
	}, d.RunAs.settings(), []setting{
		commands("pre_start", &d.PreStart.Commands),
		duration("pre_start_timeout", &d.PreStart.Timeout),
		commands("post_stop", &d.PostStop.Commands),
		duration("post_stop_timeout", &d.PostStop.Timeout),
		boolean("essential", &d.Essential),
		boolean("run", &d.Run),
		id("node", &d.Node),
		section("health", &d.Health, defaultHealth, (*DaemonHealth).settings),
		textOrNone("reload_signal", &d.ReloadSignal).checked(func() *fault {
			name, ok := mesh.Signal(d.ReloadSignal)
			if !ok && d.ReloadSignal != "" {
				return &fault{message: shortened(quote(d.ReloadSignal)) + " is not a signal", hint: `for example reload_signal = "SIGHUP"`}
			}
			if ok {
				d.ReloadSignal = name
			}
			return nil
		}),
		texts("reload_command", &d.ReloadCommand).checked(func() *fault { return badCommand(d.ReloadCommand) }),
		texts("after", &d.After),
		texts("requires", &d.Requires),
		restartMode("restart", &d.Restart),
		optional(&d.Gate.Initial, func(at *time.Duration) setting { return duration("restart_initial", at) }),
		optional(&d.Gate.Factor, func(at *float64) setting { return real("restart_factor", at, 1, math.MaxFloat64) }),
		optional(&d.Gate.Max, func(at *time.Duration) setting { return duration("restart_max", at) }),
		optional(&d.Gate.CrashLoopThreshold, func(at *int) setting { return count("restart_crash_loop_threshold", at, 1, most) }),
		optional(&d.Gate.CrashLoopWindow, func(at *time.Duration) setting { return duration("restart_crash_loop_window", at) }),
		optional(&d.Gate.CrashLoopCooldown, func(at *time.Duration) setting { return durationOr0("restart_crash_loop_cooldown", at) }),
		optional(&d.Gate.StableRun, func(at *time.Duration) setting { return durationOr0("restart_stable_run", at) }),
	})
}

// restartMode is a setting for after which ends a daemon is started again.
func restartMode(key string, at *mesh.RestartMode) setting {
	modes := []mesh.RestartMode{mesh.RestartAlways, mesh.RestartOnFailure, mesh.RestartNever}
	var word string
	known := make([]string, len(modes))
	for i, mode := range modes {
		known[i] = mode.String()
	}
	s := oneOf(key, &word, known...).checked(func() *fault {
		*at = modes[slices.Index(known, word)]
		return nil
	})
	s.text = func() string { return quote(at.String()) }
	return leftOut(s, func() bool { return *at == mesh.RestartAlways })
}

func badCommand(command []string) *fault {
	if len(command) == 0 || command[0] == "" {
		return &fault{message: "must name a program", hint: `for example command = ["/usr/bin/telemetry", "--port", "9000"]`}
	}
	return nil
}

func (h *DaemonHealth) settings() []setting {
	return []setting{
		oneOf("type", &h.Type, "exec", "tcp", "http").needed(),
		textOrNone("target", &h.Target),
		texts("command", &h.Command).checked(func() *fault { return badCommand(h.Command) }),
		duration("interval", &h.Interval),
		duration("timeout", &h.Timeout),
		count("failures", &h.Failures, 1, most),
		count("successes", &h.Successes, 1, most),
		durationOr0("start_period", &h.StartPeriod),
		oneOf("on_unhealthy", &h.OnUnhealthy, "none", "restart"),
	}
}

// events returns what an entry may name in events: everything that is not an order, and
// the events of the contract, but for signed commands, which need no grant.
func events() []string { return append([]string{"facts"}, mesh.EventKinds()...) }

func (p *Plugin) settings() []setting {
	return []setting{
		notEmpty("name", &p.Name).needed().checked(func() *fault { return badPluginName(p.Name) }),
		textOrNone("path", &p.Path),
		textOrNone("sha256", &p.SHA256).checked(p.checkSHA256),
		boolean("required", &p.Required),
		boolean("enabled", &p.Enabled),
		leftOut(boolean("api", &p.API), func() bool { return !p.API }),
		words("kinds", &p.Kinds, wire.Kinds()),
		recordChains("chains", &p.Chains),
		actions("actions", &p.Actions),
		words("events", &p.Events, events()),
		leftOut(duration("timeout", &p.Timeout), func() bool { return p.Timeout == 0 }),
		textOrNone("isolation", &p.Isolation).checked(p.checkIsolation),
		environment("env", &p.Env),
		anything("config", &p.Config),
		limits("limits", &p.Limits),
	}
}

// badPluginName returns a fault if a name can't be that of a file and of a folder.
func badPluginName(name string) *fault {
	if len(name) > 64 || !regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`).MatchString(name) {
		return &fault{
			message: shortened(quote(name)) + " is not a valid plugin name",
			hint:    "a name has at most 64 letters, digits, dots, underscores and hyphens, and starts with a letter or digit",
		}
	}
	return nil
}

func (p *Plugin) checkSHA256() *fault {
	if p.SHA256 == "" {
		return nil
	}
	p.SHA256 = strings.ToLower(p.SHA256)
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(p.SHA256) {
		return &fault{
			message: shortened(quote(p.SHA256)) + " is not a SHA-256 checksum",
			hint:    "it has 64 hexadecimal digits, as sha256sum prints them",
		}
	}
	return nil
}

func (p *Plugin) checkIsolation() *fault {
	if p.Isolation == "" {
		return nil
	}
	if p.Isolation != "strict" {
		return unknownWord(p.Isolation, []string{"best-effort", "strict"})
	}
	return &fault{
		message: "this version can't isolate plugins, so \"strict\" can't be met",
		hint:    `use "best-effort", or leave it out`,
	}
}

// recordChains is a setting for a list of record chains.
func recordChains(key string, at *[]mesh.RecordChain) setting {
	all := []mesh.RecordChain{mesh.ChainAudit, mesh.ChainLog, mesh.ChainFailure, mesh.ChainAction}
	var known, names []string
	for _, chain := range all {
		known = append(known, chain.String())
	}
	s := words(key, &names, known).checked(func() *fault {
		*at = nil
		for _, name := range names {
			for _, chain := range all {
				if chain.String() == name {
					*at = append(*at, chain)
				}
			}
		}
		return nil
	})
	s.text = func() string {
		if len(*at) == 0 {
			return ""
		}
		shown := make([]string, len(*at))
		for i, chain := range *at {
			shown[i] = chain.String()
		}
		return inline(shown)
	}
	return s
}

func (l *Limits) settings() []setting {
	return []setting{
		size("memory", &l.Memory),
		leftOut(real("cpu", &l.CPU, 0.01, 4096), func() bool { return l.CPU == 0 }),
		leftOut(count("files", &l.Files, 16, 1<<20), func() bool { return l.Files == 0 }),
		leftOut(count("processes", &l.Processes, 1, 1<<20), func() bool { return l.Processes == 0 }),
	}
}

// leftOut leaves a setting out of the effective configuration while it is empty.
func leftOut(s setting, empty func() bool) setting {
	text := s.text
	s.text = func() string {
		if empty() {
			return ""
		}
		return text()
	}
	return s
}

func limits(key string, at *Limits) setting {
	return setting{
		key:     key,
		section: at.settings,
		text: func() string {
			if *at == (Limits{}) {
				return ""
			}
			return inlineSettings(at.settings())
		},
	}
}

// section is a setting for a table that may be left out.
func section[T any](key string, at **T, fresh func() T, settings func(*T) []setting) setting {
	return setting{
		key: key,
		section: func() []setting {
			value := fresh()
			*at = &value
			return settings(*at)
		},
		text: func() string {
			if *at == nil {
				return ""
			}
			return inlineSettings(settings(*at))
		},
	}
}
