package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// staleAfter is how old a snapshot may be before the node's loop counts as standing still.
const staleAfter = 5 * time.Second

// Verdict is how a node is, in words.
type Verdict struct {
	Troubles []string // what is wrong
	Notes    []string // what is not as usual, but was ordered
}

// Well reports whether nothing is wrong.
func (v Verdict) Well() bool { return len(v.Troubles) == 0 }

// Sentence returns the verdict as one sentence.
func (v Verdict) Sentence() string {
	parts := v.Troubles
	if v.Well() {
		parts = []string{"all is well"}
	}
	return Sentence(strings.Join(append(slices.Clip(parts), v.Notes...), "; "))
}

// Judge returns the verdict on the node of a page.
func (p Printer) Judge(page Page) Verdict {
	s := page.Snapshot
	v := Verdict{}
	switch age := page.Now.Sub(s.GetTakenAt().AsTime()); {
	case s.GetTakenAt() == nil:
		v.Troubles = append(v.Troubles, "the node is starting: it has not ticked yet")
	case age > staleAfter:
		v.Troubles = append(v.Troubles, "the node's loop stands still: its last tick was "+Seconds(age)+" ago")
	}
	if c := s.GetCutOff(); c != nil {
		v.Troubles = append(v.Troubles, fmt.Sprintf("this node may be the one that is cut off: %d of %s were lost within 10s, the last of them %s ago",
			c.GetLost(), Counted(int(c.GetPeers()), "peer"), coarse(c.GetSince())))
	}
	if why := s.GetInfo().GetOrdersRefused(); why != "" {
		v.Troubles = append(v.Troubles, "orders are refused: "+Plain(why))
	}
	if why := s.GetInfo().GetDataUnwritable(); why != "" {
		v.Troubles = append(v.Troubles, "the data directory takes nothing, so orders are refused and records wait in memory: "+Plain(why))
	}
	v.Troubles = append(v.Troubles, p.peerTroubles(page)...)
	v.Troubles = append(v.Troubles, daemonTroubles(s.GetDaemons())...)
	v.Troubles = append(v.Troubles, pluginTroubles(s.GetPlugins())...)
	service, failed := p.service(page)
	if service != "" && failed {
		v.Troubles = append(v.Troubles, service)
	} else if service != "" {
		v.Notes = append(v.Notes, service)
	}
	if n := slowPeers(s); n > 0 {
		v.Notes = append(v.Notes, Counted(n, "peer")+" slow or losing echoes")
	}
	if n := len(shortOfReplicas(s)); n > 0 {
		v.Notes = append(v.Notes, fmt.Sprintf("%d of %s with fewer replicas than desired", n, Counted(len(s.GetReplicas()), "chain")))
	}
	if left := s.GetFreezeRemaining(); left.AsDuration() > 0 {
		v.Notes = append(v.Notes, "cluster frozen for another "+coarse(left)+by(page.latest(freezes)))
	}
	return v
}

// since returns a time in the past as people say it: "02:26", with the day if that is not
// today.
func (p Printer) since(at, now time.Time) string {
	at, now = at.In(p.zone()), now.In(p.zone())
	if at.Year() == now.Year() && at.YearDay() == now.YearDay() {
		return at.Format("15:04")
	}
	return at.Format("2006-01-02 15:04")
}

// coarse returns what is left of a duration in the two units that matter: "9m", "1h5m".
func coarse(d *durationpb.Duration) string {
	v := d.AsDuration()
	if v >= 2*time.Minute {
		return Seconds(v.Round(time.Minute))
	}
	return span(d)
}

// peerTroubles returns which peers are not well, since when and why.
func (p Printer) peerTroubles(page Page) (out []string) {
	total := 0
	var unheard []*meshosv1.PeerView // lost to echoes, though not unreachable
	var mute []string                // why nothing is sent, of each peer to which nothing is
	groups := map[meshosv1.NodeHealth][]*meshosv1.PeerView{}
	for _, peer := range page.Snapshot.GetPeers() {
		if peer.GetPeer() == page.Snapshot.GetNode() {
			continue
		}
		total++
		groups[peer.GetHealth()] = append(groups[peer.GetHealth()], peer)
		if lost(peer) && peer.GetHealth() != meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE {
			unheard = append(unheard, peer)
		}
		if unsent(peer) {
			mute = append(mute, cmp.Or(strings.TrimPrefix(peer.GetRttReason(), "not sent: "), "not sent"))
		}
	}
	for _, health := range []meshosv1.NodeHealth{meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE, meshosv1.NodeHealth_NODE_HEALTH_DEGRADED} {
		group := groups[health]
		if len(group) == 0 {
			continue
		}
		words := fmt.Sprintf("%d of %s %s", len(group), Counted(total, "peer"), enumWord(health.String(), "NODE_HEALTH_"))
		var longest time.Duration
		var reasons []string
		for _, peer := range group {
			longest = max(longest, peer.GetHealthSince().AsDuration())
			reasons = append(reasons, peer.GetHealthReason())
		}
		if longest > 0 {
			words += " since " + p.since(page.Snapshot.GetTakenAt().AsTime().Add(-longest), page.Now)
		}
		out = append(out, words+inBrackets(reasons))
	}
	short := map[string]string{} // each name has its own line in a list
	for _, name := range page.Snapshot.GetUnresolved() {
		short[name.GetReason()+": "+name.GetName()] = name.GetReason()
	}
	var unchecked []string
	for _, peer := range groups[meshosv1.NodeHealth_NODE_HEALTH_UNSPECIFIED] {
		if reason := peer.GetHealthReason(); reason != "" {
			unchecked = append(unchecked, cmp.Or(short[reason], reason))
		}
	}
	if len(unchecked) > 0 {
		out = append(out, fmt.Sprintf("%d of %s not checked", len(unchecked), Counted(total, "peer"))+inBrackets(unchecked))
	}
	out = append(out, nameTroubles(page.Snapshot)...)
	if len(mute) > 0 {
		out = append(out, fmt.Sprintf("no echoes can be sent to %d of %s%s", len(mute), Counted(total, "peer"), inBrackets(mute)))
	}
	if len(unheard) > 0 {
		var reasons []string
		var longest time.Duration
		for _, peer := range unheard {
			reasons = append(reasons, peer.GetRttReason())
			longest = max(longest, peer.GetEchoes().GetSince().AsDuration())
		}
		out = append(out, fmt.Sprintf("%d of %s lost since %s%s", len(unheard), Counted(total, "peer"),
			p.since(page.Snapshot.GetTakenAt().AsTime().Add(-longest), page.Now), inBrackets(reasons)))
	}
	return out
}

// inBrackets returns " (timed out)": the reasons of a group, unless there are many.
func inBrackets(reasons []string) string {
	reasons = slices.DeleteFunc(reasons, func(s string) bool { return s == "" })
	slices.Sort(reasons)
	reasons = slices.Compact(reasons)
	switch {
	case len(reasons) == 0:
		return ""
	case len(reasons) > 2:
		return fmt.Sprintf(" (%d reasons)", len(reasons))
	}
	for i, reason := range reasons {
		reasons[i] = cut(Plain(reason), longestReason)
	}
	return " (" + strings.Join(reasons, ", ") + ")"
}

// longestReason is how much of a reason a sentence has; the lists have all of it.
const longestReason = 60

// daemonBad returns the word for what is wrong with a daemon, and why; "" if nothing is.
func daemonBad(d *meshosv1.DaemonView) (word, why string) {
	state := daemonState(d)
	switch {
	case state.style == Bad:
		why = daemonExit(d.GetLastExit())
		if d.GetRejected() != "" {
			why = d.GetRejected()
		} else if d.GetStartError() != "" {
			why = d.GetStartError()
		}
		return state.text, why
	case d.GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_UNHEALTHY,
		d.GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_DEGRADED:
		return daemonHealth(d).text, d.GetHealth().GetReason()
	case unchecked(d):
		return daemonHealth(d).text, d.GetHealth().GetReason()
	case d.GetRejected() != "":
		return "rejected", d.GetRejected()
	}
	return "", ""
}

func daemonTroubles(daemons []*meshosv1.DaemonView) []string {
	var g groups
	for _, d := range daemons {
		g.add(daemonBad(d))
	}
	return g.words("daemon")
}

// pluginBad returns the word for what is wrong with a plugin, and why; "" if nothing is.
func pluginBad(p *meshosv1.PluginView) (word, why string) {
	switch p.GetStatus() {
	case meshosv1.PluginView_STATUS_LAGGING, meshosv1.PluginView_STATUS_BACKING_OFF,
		meshosv1.PluginView_STATUS_QUARANTINED, meshosv1.PluginView_STATUS_REJECTED:
		return enumWord(p.GetStatus().String(), "STATUS_"), p.GetMessage()
	}
	return "", ""
}

func pluginTroubles(plugins []*meshosv1.PluginView) []string {
	var g groups
	for _, p := range plugins {
		g.add(pluginBad(p))
	}
	return g.words("plugin")
}

// groups counts things by what is wrong with them.
type groups struct {
	order []string
	why   map[string][]string
	count map[string]int
}

func (g *groups) add(word, why string) {
	if word == "" {
		return
	}
	if g.count == nil {
		g.why, g.count = map[string][]string{}, map[string]int{}
	}
	if g.count[word] == 0 {
		g.order = append(g.order, word)
	}
	g.count[word]++
	g.why[word] = append(g.why[word], why)
}

// words returns "1 daemon crash-looping (exit 3: …)" and so on.
func (g *groups) words(noun string) (out []string) {
	for _, word := range g.order {
		out = append(out, Counted(g.count[word], noun)+" "+word+inBrackets(g.why[word]))
	}
	return out
}

// slowPeers returns how many peers are slow or lose too many echoes.
func slowPeers(s *meshosv1.Snapshot) (n int) {
	for _, peer := range s.GetPeers() {
		if slow(peer) {
			n++
		}
	}
	return n
}

// shortOfReplicas returns the chains that have fewer holders than they should.
func shortOfReplicas(s *meshosv1.Snapshot) (out []*meshosv1.ReplicaView) {
	for _, r := range s.GetReplicas() {
		if r.Desired != nil && len(r.GetHolders()) < int(r.GetDesired()) {
			out = append(out, r)
		}
	}
	return out
}
