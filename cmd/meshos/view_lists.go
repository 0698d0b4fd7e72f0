package main

import (
	"slices"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func (v view) peers(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "PEERS", columns: []string{"ID", "NAME", "RTT", "HEALTH", "MAINTENANCE", "LOAD", "MEMORY", ""}, empty: "none"}
	avoided := map[uint64]bool{}
	for _, avoid := range s.GetAvoidList() {
		avoided[avoid.GetPeer()] = true
	}
	for _, peer := range s.GetPeers() {
		if peer.GetPeer() == s.GetNode() {
			continue
		}
		var notes []string
		if peer.GetCordoned() {
			notes = append(notes, "cordoned")
		}
		if avoided[peer.GetPeer()] {
			notes = append(notes, "avoided")
		}
		load, memory := "-", "-"
		if inventory := peer.GetInventory(); inventory != nil {
			if inventory.CpuLoad_1M != nil {
				load = formatLoad(inventory.GetCpuLoad_1M())
			}
			if inventory.MemUsedBytes != nil && inventory.GetMemTotalBytes() > 0 {
				memory = used(inventory.GetMemUsedBytes(), inventory.GetMemTotalBytes())
			}
		}
		t.add(text(idOf(peer.GetPeer())), text(orDash(peer.GetName())), text(span(peer.GetRtt())),
			healthCell(peer.GetHealth()), text(enumWord(peer.GetMaintenance().String(), "MAINTENANCE_PHASE_")),
			text(load), text(memory), cell{text: strings.Join(notes, ", "), style: warning})
	}
	t.write(b, v.paint)
}

func healthCell(health meshosv1.NodeHealth) cell {
	c := cell{text: enumWord(health.String(), "NODE_HEALTH_")}
	switch health {
	case meshosv1.NodeHealth_NODE_HEALTH_HEALTHY:
		c.style = good
	case meshosv1.NodeHealth_NODE_HEALTH_DEGRADED:
		c.style = warning
	case meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE:
		c.style = bad
	}
	return c
}

func (v view) daemons(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "DAEMONS", columns: []string{"ID", "NAME", "STATE", "FOR", "WANTED", "HEALTH", "RESTART"}, empty: "none"}
	for _, daemon := range s.GetDaemons() {
		state := cell{text: enumWord(daemon.GetLifecycle().String(), "LIFECYCLE_"), style: warning}
		switch {
		case daemon.GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING:
			state.style = good
		case daemon.GetIntent() != meshosv1.DaemonIntent_INTENT_RUN:
			state.style = ordinary
		}
		health := enumWord(daemon.GetHealth().GetStatus().String(), "STATUS_")
		if reason := daemon.GetHealth().GetReason(); reason != "" {
			health += ": " + reason
		}
		restart := cell{text: enumWord(daemon.GetRestart().String(), "RESTART_")}
		if daemon.RestartIn != nil {
			restart = cell{text: restart.text + ", again in " + span(daemon.GetRestartIn()), style: warning}
		}
		t.add(text(idOf(daemon.GetDaemon().GetId())), text(orDash(daemon.GetDaemon().GetName())), state,
			text(span(daemon.GetAge())), text(enumWord(daemon.GetIntent().String(), "INTENT_")), text(health), restart)
	}
	t.write(b, v.paint)
}

func (v view) plugins(b *strings.Builder, plugins []*meshosv1.PluginView) {
	t := table{
		title:   "PLUGINS", // what changes stands within 80 columns
		columns: []string{"NAME", "STATUS", "CALLS", "FAILED", "RESTARTS", "LAST CALL", "PID", "VERSION", "KINDS"},
		empty:   "none",
	}
	for _, plugin := range plugins {
		t.add(text(plugin.GetName()), pluginStatus(plugin.GetStatus()), text(idOf(plugin.GetCalls())),
			failed(plugin.GetFailures()), failed(plugin.GetRestarts()), text(span(plugin.GetLastCall())),
			text(pid(plugin.GetPid())), text(orDash(plugin.GetVersion())), text(orDash(strings.Join(plugin.GetKinds(), ", "))))
	}
	t.write(b, v.paint)
	// Reasons are long; in the table they would push the rest off the screen.
	for _, plugin := range plugins {
		if note := pluginNote(plugin); note != "" {
			b.WriteString("  " + v.paint.in(pluginStatus(plugin.GetStatus()).style, plain(plugin.GetName())+":") + " " + note + "\n")
		}
	}
}

func pluginStatus(status meshosv1.PluginView_Status) cell {
	c := cell{text: enumWord(status.String(), "STATUS_"), style: warning}
	switch status {
	case meshosv1.PluginView_STATUS_READY:
		c.style = good
	case meshosv1.PluginView_STATUS_QUARANTINED, meshosv1.PluginView_STATUS_REJECTED:
		c.style = bad
	case meshosv1.PluginView_STATUS_DISABLED:
		c.style = faint
	}
	return c
}

// pluginNote says why a plugin is not ready and when it is tried again.
func pluginNote(plugin *meshosv1.PluginView) string {
	note := plain(plugin.GetMessage())
	if plugin.RestartIn == nil {
		return note
	}
	again := "next try in " + span(plugin.GetRestartIn())
	if note == "" {
		return again
	}
	return note + "; " + again
}

// failed draws the eye to a count that should be 0.
func failed(n uint64) cell {
	if n == 0 {
		return cell{text: "0"}
	}
	return cell{text: idOf(n), style: warning}
}

func (v view) avoidList(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "AVOIDED", columns: []string{"PEER", "LEFT", "REASON"}}
	for _, avoid := range s.GetAvoidList() {
		t.add(text(idOf(avoid.GetPeer())), text(span(avoid.GetTtl())), text(avoid.GetReason()))
	}
	v.writeSome(b, t)
}

func (v view) replicas(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "REPLICAS", columns: []string{"CHAIN", "HOLDERS", "DESIRED", "LEADER"}}
	for _, replica := range s.GetReplicas() {
		desired, leader := "-", "-"
		if replica.Desired != nil {
			desired = number(replica.GetDesired())
		}
		if replica.Leader != nil {
			leader = idOf(replica.GetLeader())
		}
		t.add(text(idOf(replica.GetChain())), text(idsOf(replica.GetHolders())), text(desired), text(leader))
	}
	v.writeSome(b, t)
}

func (v view) migrations(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "MIGRATIONS", columns: []string{"ID", "PHASE", "FROM", "TO", "DONE", "FOR", "RETRIES"}}
	for _, m := range s.GetInFlightMigrations() {
		done := "-"
		if m.ProgressPercent != nil {
			done = number(m.GetProgressPercent()) + "%"
		}
		t.add(text(idOf(m.GetMigration())), text(enumWord(m.GetPhase().String(), "PHASE_")), text(idOf(m.GetSource())),
			text(idOf(m.GetTarget())), text(done), text(span(m.GetElapsed())), text(number(m.GetRetries())))
	}
	v.writeSome(b, t)
}

func (v view) emitted(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "RECENT ACTIONS", columns: []string{"AGO", "ID", "ACTION", "ABOUT"}}
	for _, action := range last(s.GetRecentlyEmitted(), shownActions) {
		t.add(text(span(action.GetAge())), text(idOf(action.GetId())), text(action.GetKind()), text(actionWords(action.GetAction())))
	}
	v.writeSome(b, t)
}

func (v view) failures(b *strings.Builder, s *meshosv1.Snapshot) {
	t := table{title: "RECENT FAILURES", columns: []string{"AT", "SOURCE", "REASON"}}
	for _, failure := range last(s.GetRecentFailures(), shownFailures) {
		t.add(text(clock(failure.GetAt(), v.zone)), cell{text: plain(failure.GetSource()), style: bad}, text(failure.GetReason()))
	}
	v.writeSome(b, t)
}

// writeSome prints a table that has something to say.
func (v view) writeSome(b *strings.Builder, t table) {
	if len(t.rows) > 0 {
		t.write(b, v.paint)
	}
}

// last gives the n newest of a ring.
func last[T any](ring []T, n int) []T { return slices.Clone(ring[max(0, len(ring)-n):]) }

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
