package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// check reports valid keys that contradict each other.
func (r *reader) check(c *Config) {
	r.checkSections(c)
	r.checkUnique(c)
	r.checkNames(c)
	r.checkPins(c)
	for i := range c.Peers {
		r.checkFamily(&c.Peers[i], place("").key("peer").item(i))
	}
	for i := range c.Daemons {
		r.checkGate(c, &c.Daemons[i], place("").key("daemon").item(i))
		r.checkReload(&c.Daemons[i], place("").key("daemon").item(i))
		r.checkHealth(c.Daemons[i].Health, place("").key("daemon").item(i).key("health"))
	}
	r.checkHooks(c)
	r.checkOrder(c)
	r.checkCapacity(c)
	r.checkStreams(c)
	r.checkActions(c)
	for i := range c.Plugins {
		r.checkPlugin(&c.Plugins[i], place("").key("plugin").item(i))
	}
}

func (r *reader) checkSections(c *Config) {
	at := func(section, key string) place { return place("").key(section).key(key) }
	if c.Restart.Initial > c.Restart.Max {
		r.problem("restart.initial", fault{
			message: fmt.Sprintf("must not be more than max; it is %s and max is %s", formatDuration(c.Restart.Initial), formatDuration(c.Restart.Max)),
			hint:    "the backoff grows from initial to max",
		}, at("restart", "initial"), at("restart", "max"))
	}
	if c.Admission.BackpressureLow >= c.Admission.BackpressureHigh {
		r.problem("admission.backpressure_low", fault{
			message: fmt.Sprintf("must be less than backpressure_high; it is %d and backpressure_high is %d",
				c.Admission.BackpressureLow, c.Admission.BackpressureHigh),
			hint: "backpressure begins at backpressure_high and ends at backpressure_low",
		}, at("admission", "backpressure_low"), at("admission", "backpressure_high"))
	}
}

// checkReload reports a daemon that has two ways to be reloaded.
func (r *reader) checkReload(d *Daemon, at place) {
	if d.ReloadSignal != "" && len(d.ReloadCommand) > 0 {
		r.problem("daemon.reload_command", fault{message: "is set beside reload_signal", hint: "keep the one that the daemon needs"}, at.key("reload_command"))
	}
}

// checkGate reports a daemon's own first wait that is longer than its longest one.
func (r *reader) checkGate(c *Config, d *Daemon, at place) {
	if d.Gate.Initial == nil && d.Gate.Max == nil {
		return
	}
	initial, longest := c.Restart.Initial, c.Restart.Max
	if d.Gate.Initial != nil {
		initial = *d.Gate.Initial
	}
	if d.Gate.Max != nil {
		longest = *d.Gate.Max
	}
	if initial > longest {
		r.problem("daemon.restart_initial", fault{
			message: fmt.Sprintf("must not be more than the longest wait; it is %s and that is %s", formatDuration(initial), formatDuration(longest)),
			hint:    "set both restart_initial and restart_max of the daemon; what it leaves out is that of [restart]",
		}, at.key("restart_initial"), at.key("restart_max"))
	}
}

// checkUnique reports ids and names that are used twice, and a peer that is this node.
func (r *reader) checkUnique(c *Config) {
	peers := newNames(r, "peer", "id")
	for i, peer := range c.Peers {
		peers.add(uint64(peer.ID), i)
		if peer.ID != 0 && peer.ID == c.Node.ID {
			r.problem("peer.id", fault{
				message: fmt.Sprintf("%d is this node itself (node.id)", peer.ID),
				hint:    "list only the other machines",
			}, peers.place(i))
		}
	}
	chains := newNames(r, "chain", "id")
	for i, chain := range c.Chains {
		chains.add(uint64(chain.ID), i)
	}
	daemons := newNames(r, "daemon", "id")
	for i, daemon := range c.Daemons {
		daemons.add(uint64(daemon.ID), i)
	}
	plugins := newNames(r, "plugin", "name")
	for i, plugin := range c.Plugins {
		plugins.add(plugin.Name, i)
	}
}

// checkNames reports names of peers and daemons that are used twice. They are labels, so a
// node works with them; but commands that name one have to use its id then.
func (r *reader) checkNames(c *Config) {
	peers := newNames(r, "peer", "name")
	peers.report = r.fault
	for i, peer := range c.Peers {
		peers.add(peer.Name, i)
		if peer.Name != "" && peer.Name == c.Node.Name {
			r.fault("peer.name", fault{
				message: fmt.Sprintf("%q is the name of this node too (node.name)", peer.Name), hint: "give each node a name of its own",
			}, peers.place(i))
		}
	}
	daemons := newNames(r, "daemon", "name")
	daemons.report = r.fault
	for i, daemon := range c.Daemons {
		daemons.add(daemon.Name, i)
	}
}

// checkPins reports daemons that may run only on a node that the file does not know.
func (r *reader) checkPins(c *Config) {
	for i, daemon := range c.Daemons {
		known := daemon.Node == 0 || daemon.Node == c.Node.ID ||
			slices.ContainsFunc(c.Peers, func(p Peer) bool { return p.ID == daemon.Node })
		if !known {
			r.fault("daemon.node", fault{
				message: fmt.Sprintf("%d is neither this node nor one of its peers: the daemon runs nowhere", daemon.Node),
				hint:    "correct the id, or leave node out to run it here",
			}, place("").key("daemon").item(i).key("node"))
		}
	}
}

// names finds ids or names that are used twice in a list of tables.
type names struct {
	r            *reader
	section, key string
	first        map[any]int
	report       func(key string, f fault, places ...place)
}

func newNames(r *reader, section, key string) names {
	return names{r: r, section: section, key: key, first: map[any]int{}, report: r.problem}
}

func (n names) place(i int) place { return place("").key(n.section).item(i).key(n.key) }

func (n names) add(name any, i int) {
	if name == uint64(0) || name == "" {
		return // missing or wrong, and reported as that
	}
	first, used := n.first[name]
	if !used {
		n.first[name] = i
		return
	}
	n.report(n.section+"."+n.key, fault{
		message: fmt.Sprintf("%v is used twice, first in line %d", name, n.r.places[n.place(first)]),
		hint:    "give each " + n.section + " its own " + n.key,
	}, n.place(i))
}

// checkHealth checks that a health check has what its type needs.
func (r *reader) checkHealth(h *DaemonHealth, at place) {
	if h == nil {
		return
	}
	const key = "daemon.health"
	wantsTarget := h.Type == "tcp" || h.Type == "http"
	switch {
	case wantsTarget && h.Target == "":
		r.problem(key+".target", fault{
			message: "is missing: type " + quote(h.Type) + " needs it", hint: "add target with the address to check",
		}, at.key("type"), at)
	case h.Type == "exec" && len(h.Command) == 0:
		r.problem(key+".command", fault{
			message: "is missing: type \"exec\" needs it", hint: "add command with the program to run",
		}, at.key("type"), at)
	case h.Type == "exec" && h.Target != "":
		r.problem(key+".target", fault{message: "is not for type \"exec\"", hint: "use command instead"}, at.key("target"))
	case wantsTarget && len(h.Command) != 0:
		r.problem(key+".command", fault{message: "is not for type " + quote(h.Type), hint: "use target instead"}, at.key("command"))
	}
	var bad *fault
	switch {
	case h.Target == "":
	case h.Type == "tcp":
		bad = badHostPort(h.Target, false)
	case h.Type == "http":
		bad = badURL(h.Target)
	}
	if bad != nil {
		r.problem(key+".target", *bad, at.key("target"))
	}
}

func (r *reader) checkPlugin(p *Plugin, at place) {
	if len(p.Chains) > 0 && len(p.Kinds) > 0 && !slices.Contains(p.Kinds, "chain_appender") {
		r.problem("plugin.chains", fault{
			message: "is for appenders, but kinds does not have chain_appender",
			hint:    `add "chain_appender" to kinds, or leave out chains`,
		}, at.key("chains"))
	}
	brings := []string{"event_source", "actuator", "recovery_handler"}
	if len(p.Events) > 0 && len(p.Kinds) > 0 && !slices.ContainsFunc(p.Kinds, func(kind string) bool { return slices.Contains(brings, kind) }) {
		r.problem("plugin.events", fault{
			message: "is for plugins that bring events, but kinds has none of " + strings.Join(brings, ", "),
			hint:    "add the kind to kinds, or leave out events",
		}, at.key("events"))
	}
	r.checkAsksFor(p, at)
	if p.Limits != (Limits{}) {
		r.warning("plugin.limits", fault{
			message: "is not enforced yet: this version starts plugins without limits",
		}, at.key("limits"))
	}
	if p.Isolation == "best-effort" {
		r.warning("plugin.isolation", fault{
			message: "has no effect yet: this version does not isolate plugins",
		}, at.key("isolation"))
	}
}

// acts names what plugins that act or bring events are for, of those that come with meshos
// or are its examples: what others serve is not known before they run.
func acts(binary string) (kind, key, line string) {
	switch binary {
	case "appender-jsonl":
		return "chain_appender", "chains", `chains = ["audit", "log", "failure", "action"]`
	case "run-command":
		return "actuator", "actions", `kinds = ["actuator"]`
	case "tail-events":
		return "event_source", "events", `events = ["facts"]`
	}
	return "", "", ""
}

// checkAsksFor warns of an entry that does not ask for the one thing that its plugin does.
func (r *reader) checkAsksFor(p *Plugin, at place) {
	name := p.Name
	if p.Path != "" {
		name = filepath.Base(p.Path)
	}
	kind, key, line := acts(name)
	asked := map[string]bool{"chains": len(p.Chains) > 0, "actions": len(p.Actions) > 0, "events": len(p.Events) > 0}
	if kind != "" && p.Enabled && len(p.Kinds) == 0 && !asked[key] {
		r.warning("plugin.kinds", fault{
			message: "does not have " + kind + ", so the plugin is not used: what acts or brings events counts only when its entry asks for it",
			hint:    "add " + line,
		}, at.key("name"))
	}
}
