package host

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/metrics"
	"github.com/meshos/meshos/host/plugins"
	"github.com/meshos/meshos/host/resolve"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/logkinds"
)

// manyNames is from how many names of which the same is to be said one line stands for all.
const manyNames = 4

// namesChanged says what became of host names of peers, and has probes told.
func (n *node) namesChanged(ctx context.Context, changes []resolve.Change) {
	for _, line := range nameLines(changes, time.Now(), n.cfg.Locality.ResolveGrace) {
		level := slog.LevelWarn
		if line.Level == mesh.LevelInfo {
			level = slog.LevelInfo
		}
		n.opts.Log.Log(ctx, level, line.Message)
		if err := n.handle.TryPublish(line); err != nil {
			n.opts.Log.Debug("a line found no room in the node's log", "line", line.Message, "error", err)
		}
	}
	if err := n.plugins.RenewPeers(ctx); err != nil && ctx.Err() == nil {
		n.opts.Log.Debug("addresses of peers", "error", err) // they are sent again, and the plugin is reported
	}
}

// nameLine is what is said of one name.
type nameLine struct {
	level      mesh.LogLevel
	head, text string // "no such name", "still measured at 10.0.0.2"
	name       string
}

// nameLines returns what is to be said of changes: a line each, or one for many of a kind.
func nameLines(changes []resolve.Change, now time.Time, grace time.Duration) []mesh.LogLine {
	var heads []string
	of := map[string][]nameLine{}
	for _, c := range changes {
		l := lineOf(c, now, grace)
		if l.head == "" {
			continue
		}
		if of[l.head] == nil {
			heads = append(heads, l.head)
		}
		of[l.head] = append(of[l.head], l)
	}
	var out []mesh.LogLine
	for _, head := range heads {
		lines := of[head]
		if len(lines) < manyNames {
			for _, l := range lines {
				out = append(out, mesh.LogLine{Level: l.level, Source: namesSource, Message: fmt.Sprintf("%s: %s: %s", l.name, head, l.text)})
			}
			continue
		}
		var examples []string
		for _, l := range lines[:manyNames-1] {
			examples = append(examples, l.name)
		}
		out = append(out, mesh.LogLine{Level: lines[0].level, Source: namesSource, Message: fmt.Sprintf(
			"%s host names: %s; such as %s; all: meshos status", logkinds.Number(len(lines)), head, strings.Join(examples, ", "))})
	}
	return out
}

// namesSource is who says lines about names, as the node's log names it.
const namesSource = "names"

// lineOf returns what is to be said of a change; its head is empty for nothing.
func lineOf(c resolve.Change, now time.Time, grace time.Duration) nameLine {
	before, after, addresses := c.Before, c.After, addressText(c.After.Addresses)
	l := nameLine{level: mesh.LevelWarn, name: c.Name.Host}
	switch {
	case after.Lookup == resolve.NoSuchName && len(before.Addresses) > 0 && len(after.Addresses) == 0:
		l.head = "is gone for " + span(grace)
		l.text = after.Reason + "; its peers are not measured any more"
	case after.Lookup == resolve.NoSuchName && before.Lookup == resolve.NoSuchName:
	case after.Lookup == resolve.NoSuchName && addresses != "":
		l.head = after.Reason
		l.text = fmt.Sprintf("its peers are measured at %s for another %s", addresses, after.KeptUntil.Sub(now).Round(time.Second))
	case after.Lookup == resolve.NoSuchName:
		l.head, l.text = after.Reason, "its peers are not measured; check address and health of the peer, or the name server"
	case after.Lookup == resolve.Failed && before.Lookup == resolve.Failed && before.Reason == after.Reason:
	case after.Lookup == resolve.Failed && addresses != "":
		l.head, l.text = after.Reason, "its last addresses stay in use: "+addresses
	case after.Lookup == resolve.Failed:
		l.head, l.text = after.Reason, "its peers are not measured until it resolves; check /etc/resolv.conf"
	case after.Lookup == resolve.Found && before.Lookup != resolve.Pending:
		l.level, l.head, l.text = mesh.LevelInfo, "resolves again", addresses
		if before.Lookup == resolve.Found {
			l.head, l.text = "has other addresses", addresses+" instead of "+addressText(before.Addresses)
		}
	}
	return l
}

func addressText(addresses []netip.Addr) string {
	texts := make([]string, len(addresses))
	for i, ip := range addresses {
		texts[i] = ip.String()
	}
	return strings.Join(texts, ", ")
}

// unresolved is what a snapshot says of names that do not resolve. It is made anew only when
// a name, or the peers, changed.
type unresolved struct {
	mu      sync.Mutex
	version uint64
	names   []snapshot.Name
	reasons map[mesh.NodeID]string // why the health of a peer is not checked
}

// unresolvedNames returns the names of peers that do not resolve, and why the health of which
// peers is not checked for that.
func (n *node) unresolvedNames() ([]snapshot.Name, map[mesh.NodeID]string) {
	u := &n.unresolved
	u.mu.Lock()
	defer u.mu.Unlock()
	version := n.names.Version()
	if u.version == version {
		return u.names, u.reasons
	}
	u.version, u.names, u.reasons = version, nil, map[mesh.NodeID]string{}
	var bad []resolve.Known
	for _, known := range n.names.All() {
		if known.Lookup == resolve.NoSuchName || known.Lookup == resolve.Failed {
			bad = append(bad, known)
		}
	}
	if len(bad) == 0 {
		return nil, u.reasons
	}
	of := map[resolve.Name][]mesh.NodeID{}
	for _, p := range n.plugins.PeersNow() {
		for _, name := range plugins.NamesOf(&p) {
			of[name] = append(of[name], p.ID)
		}
		if host := p.HealthHost(); host != "" {
			if s := n.names.State(plugins.NameOf(&p, host)); len(s.Addresses) == 0 && s.Reason != "" {
				u.reasons[p.ID] = s.Reason + ": " + host
			}
		}
	}
	for _, known := range bad {
		peers := of[known.Name]
		slices.Sort(peers)
		view := snapshot.Name{
			Host: known.Host, Lookup: uint8(known.Lookup), Reason: known.Reason,
			Since: known.Since, KeptUntil: known.KeptUntil, Peers: peers,
		}
		for _, ip := range known.Addresses {
			view.Addresses = append(view.Addresses, ip.String())
		}
		u.names = append(u.names, view)
	}
	return u.names, u.reasons
}

// peerNames returns in sentences what is known of the host names of a peer.
func (n *node) peerNames(id mesh.NodeID) (out []string) {
	peers := n.plugins.PeersNow()
	i := slices.IndexFunc(peers, func(p config.Peer) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	now := time.Now()
	for _, name := range plugins.NamesOf(&peers[i]) {
		s := n.names.State(name)
		addresses, since := addressText(s.Addresses), span(now.Sub(s.Since))
		text := "it is being looked up"
		switch {
		case s.Lookup == resolve.Found:
			text = "resolves to " + addresses
		case s.Lookup == resolve.NoSuchName && addresses != "":
			text = fmt.Sprintf("%s for %s; its last addresses are used for another %s: %s",
				s.Reason, since, span(s.KeptUntil.Sub(now)), addresses)
		case s.Lookup == resolve.NoSuchName:
			text = fmt.Sprintf("%s for %s; so the peer is not measured by it, which says nothing about the peer", s.Reason, since)
		case s.Lookup == resolve.Failed && addresses != "":
			text = fmt.Sprintf("%s for %s; its last addresses stay in use: %s", s.Reason, since, addresses)
		case s.Lookup == resolve.Failed:
			text = fmt.Sprintf("%s for %s; until it resolves nothing is measured by it", s.Reason, since)
		}
		only := ""
		if name.Family != mesh.FamilyUnknown {
			only = " (" + name.Family.String() + " only)"
		}
		out = append(out, fmt.Sprintf("%s%s: %s", name.Host, only, text))
	}
	return out
}

// span returns a time in the units that matter: "10m", "42s".
func span(d time.Duration) string {
	text := max(0, d).Round(time.Second).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}

// namesState returns what the metrics say of names.
func (n *node) namesState() metrics.NamesState {
	words := [...]string{resolve.Pending: "pending", resolve.Found: "found", resolve.NoSuchName: "no_such_name", resolve.Failed: "failed"}
	out := metrics.NamesState{Names: map[string]int{}}
	for _, word := range words {
		out.Names[word] = 0
	}
	for _, known := range n.names.All() {
		out.Names[words[known.Lookup]]++
	}
	counts := n.names.Counts()
	out.Lookups = map[string]uint64{"found": counts.Found, "no_such_name": counts.NoSuchName, "failed": counts.Failed}
	return out
}
