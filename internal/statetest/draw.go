package statetest

import (
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
)

func (d drawer) chainEvent() mesh.Event {
	switch d.number("chain event", 0, 8) {
	case 0, 1:
		return mesh.ReplicaUpdate{Change: mesh.ReplicaChange(d.number("change", 1, 4)), Chain: d.chain(), Holder: d.node()}
	case 2:
		leader := d.node()
		if d.number("nobody", 0, 5) == 0 {
			leader = 0
		}
		return mesh.ReplicaLeader{Chain: d.chain(), Leader: leader}
	case 3:
		return mesh.ReplicaTransition{Kind: mesh.TransitionKind(d.number("transition", 1, 2)), Chain: d.chain(), Holder: d.node()}
	case 4:
		return mesh.PlacementIntent{Chain: d.chain(), Desired: uint32(d.number("desired", 0, 3))}
	case 5, 6:
		return mesh.ReplicaCurrent{Chain: d.chain(), Holders: []mesh.NodeID{1, 2, 3, 4, 5, This}[d.number("from", 0, 3):d.number("to", 3, 6)]}
	case 7: // this node leads what several have, which leads to most decisions
		return mesh.ReplicaLeader{Chain: d.chain(), Leader: This}
	}
	return mesh.LocalReplicaIntent{Chain: d.chain(), Intent: mesh.HoldIntent(d.number("hold", 0, 2))}
}

func (d drawer) end() mesh.DaemonEnd {
	if d.number("known", 0, 2) == 0 {
		return mesh.DaemonEnd{}
	}
	return mesh.DaemonEnd{
		Code: int32(d.number("code", 0, 1)), At: time.Unix(1_700_000_000, 0), Asked: d.yes(),
		Config: rapid.SampledFrom([]string{"", "x", "y"}).Draw(d.t, "config"),
	}
}

func (d drawer) daemonEvent() mesh.Event {
	ref := d.daemon()
	switch d.number("daemon event", 0, 10) {
	case 0, 1, 2:
		ev := mesh.DaemonStarted{Daemon: ref, PID: int64(d.number("pid", 0, 1)), Config: rapid.SampledFrom([]string{"", "x", "y"}).Draw(d.t, "config")}
		if d.number("adopted", 0, 3) == 0 {
			ev.Since = At(-time.Duration(d.number("ago", 0, 100)) * time.Second).Wall
		}
		return ev
	case 3:
		return mesh.DaemonExited{Daemon: ref, End: d.end()}
	case 4, 5:
		return mesh.DaemonCrashed{Daemon: ref, End: d.end()}
	case 6:
		return mesh.DaemonHealthChanged{Daemon: ref, Health: mesh.DaemonHealth{
			Status: mesh.DaemonStatus(d.number("status", 0, 3)), Reason: rapid.SampledFrom([]string{"", "slow"}).Draw(d.t, "reason"),
		}}
	case 7:
		return mesh.DaemonRejected{Daemon: ref, Reason: rapid.SampledFrom([]string{"", "gone"}).Draw(d.t, "reason")}
	case 8:
		if d.yes() {
			return mesh.DaemonEnvironmentChanged{Daemon: ref, Changed: d.yes()}
		}
		return mesh.DaemonReplaced{Daemon: ref}
	case 9:
		return mesh.DaemonSaturationChanged{Daemon: ref, Saturation: 0.5}
	}
	return mesh.DaemonIntent{
		Daemon: ref, Intent: mesh.RunIntent(d.number("intent", 1, 2)),
		Node: rapid.SampledFrom([]mesh.NodeID{0, 0, 1, This}).Draw(d.t, "pin"),
	}
}

func (d drawer) peerEvent() mesh.Event {
	switch d.number("peer event", 0, 4) {
	case 0:
		return mesh.RTTSample{Peer: d.node(), RTT: time.Duration(d.number("rtt", 1, 500)) * time.Millisecond}
	case 1, 2:
		return mesh.HealthSample{Peer: d.node(), Health: d.health(), Reason: rapid.SampledFrom([]string{"", "why"}).Draw(d.t, "reason")}
	case 3:
		return mesh.BlobAnnouncement{Blob: mesh.BlobID(d.number("blob", 1, 3)), Holder: d.node(), Added: d.yes()}
	}
	return mesh.MaintenanceObserved{Node: d.node(), Phase: mesh.MaintenancePhase(d.number("phase", 1, 6)), Reason: "seen"}
}

func (d drawer) health() mesh.NodeHealth {
	return rapid.SampledFrom([]mesh.NodeHealth{
		mesh.HealthUnknown, mesh.HealthHealthy, mesh.HealthDegraded, mesh.HealthUnreachable, mesh.HealthUnreachable,
	}).Draw(d.t, "health")
}

// samples draws the answer of one of two probes.
func (d drawer) samples() mesh.Input {
	in := mesh.Samples{Probe: rapid.SampledFrom([]string{"p", "q"}).Draw(d.t, "probe")}
	switch d.number("answer", 0, 6) {
	case 0, 1, 2:
		for range d.number("samples", 0, 4) {
			in.RTT = append(in.RTT, d.rtt())
		}
		in.RTTComplete = d.yes()
	case 3, 4:
		for range d.number("samples", 0, 3) {
			in.Health = append(in.Health, mesh.HealthSample{Peer: d.peer(), Health: d.health()})
		}
		in.HealthComplete = d.yes()
	case 5:
		load := 0.5
		for range d.number("samples", 0, 2) {
			inv := mesh.Inventory{Node: d.node(), Capabilities: []string{"x"}}
			if d.yes() {
				inv.CPULoad1m = &load
				inv.Ages[mesh.FactCPULoad1m] = d.span() / 10
			}
			in.Inventory = append(in.Inventory, inv)
		}
		in.InventoryComplete = d.yes()
	case 6:
		in.Err = "it hangs"
	}
	return in
}

func (d drawer) rtt() mesh.RTTSample {
	r := mesh.RTTSample{Peer: d.peer(), RTT: time.Duration(rapid.SampledFrom([]int{0, 0, 20, 100, 240, 600}).Draw(d.t, "ms")) * time.Millisecond}
	if d.number("bare", 0, 4) == 0 {
		return r
	}
	r.Sent = 20
	r.Received = uint32(rapid.SampledFrom([]int{0, 5, 19, 20}).Draw(d.t, "received"))
	r.Round = uint64(d.number("round", 0, 3))
	if r.RTT == 0 {
		r.Unanswered = uint32(d.number("unanswered", 0, 4))
		r.NoAnswer = mesh.NoAnswer(d.number("no answer", 0, 4))
	}
	return r
}

func (d drawer) scores() mesh.Input {
	in := mesh.Scores{ViewVersion: uint64(d.number("version", 0, 40)), Changes: d.yes()}
	if in.Changes && d.yes() {
		in.Unscored = []mesh.ChainID{d.chain()}
	}
	for range d.number("scored", 0, 6) {
		c := mesh.ChainScore{Chain: d.chain()}
		for range d.number("holders", 0, 4) {
			c.Holders = append(c.Holders, mesh.NodeScore{Node: d.node(), Score: float32(d.number("score", 0, 10)) / 10})
		}
		if d.yes() {
			c.Best = &mesh.NodeScore{Node: d.node(), Score: float32(d.number("score", 5, 10)) / 10}
		}
		if d.number("costs", 0, 3) == 0 {
			c.Cost = &mesh.MigrationCost{StateTransfer: d.span() / 100}
		}
		in.Chains = append(in.Chains, c)
	}
	if in.Changes = d.yes(); in.Changes {
		for range d.number("unscored", 0, 2) {
			in.Unscored = append(in.Unscored, d.chain())
		}
	}
	return in
}

func (d drawer) command() mesh.AdminEvent {
	node := d.node()
	switch d.number("command", 0, 21) {
	case 0:
		window := d.span()
		return mesh.EnterMaintenance{Node: node, DrainFor: &window}
	case 1:
		return mesh.ExitMaintenance{Node: node}
	case 2:
		return mesh.Drain{Node: node, DrainFor: d.span()}
	case 3:
		return mesh.Cordon{Node: node}
	case 4, 5:
		return mesh.Uncordon{Node: node}
	case 6:
		return mesh.RestartAllDaemons{Node: node}
	case 7:
		return mesh.ClearAvoidList{Node: node}
	case 8:
		return mesh.DropReplicas{Node: node, Chains: []mesh.ChainID{d.chain(), d.chain()}}
	case 9:
		return mesh.InvalidatePlacement{Node: node}
	case 10:
		return mesh.SetDaemonIntent{Node: node, Daemon: d.daemon(), Intent: mesh.RunIntent(d.number("intent", 0, 2))}
	case 11:
		desired := uint32(d.number("desired", 0, 3))
		if d.yes() {
			return mesh.SetPlacement{Node: node, Chain: d.chain()}
		}
		return mesh.SetPlacement{Node: node, Chain: d.chain(), Desired: &desired}
	case 12:
		return mesh.SetLocalReplica{Node: node, Chain: d.chain(), Intent: mesh.HoldIntent(d.number("hold", 0, 2))}
	case 13:
		return mesh.RestartDaemon{Node: node, Daemon: d.daemon()}
	case 14:
		return mesh.ReloadDaemon{Node: node, Daemon: d.daemon()}
	case 15:
		return mesh.SignalDaemon{Node: node, Daemon: d.daemon(), Signal: "SIGHUP"}
	case 16:
		return mesh.FreezeCluster{TTL: d.span() / 3}
	case 17:
		return mesh.ThawCluster{}
	case 18:
		return mesh.FlushAvoidLists{Global: true}
	case 19, 20:
		return mesh.ForceEvictReplica{Chain: d.chain(), Victim: node}
	}
	return mesh.ForceCutover{Chain: d.chain(), Target: node}
}

// reload draws a configuration.
func (d drawer) reload() mesh.Input {
	var to mesh.Configured
	for id := range mesh.NodeID(5) {
		if d.yes() {
			to.Peers = append(to.Peers, mesh.ConfiguredPeer{ID: id + 1, Name: "peer"})
		}
	}
	for id := range mesh.ChainID(3) {
		if d.yes() {
			continue
		}
		c := mesh.ConfiguredChain{ID: id + 1, Hold: mesh.HoldIntent(d.number("hold", 0, 2))}
		if d.yes() {
			replicas := uint32(d.number("replicas", 1, 3))
			c.Replicas = &replicas
		}
		c.Spread = rapid.SampledFrom([]string{"", "", "rack"}).Draw(d.t, "spread")
		to.Chains = append(to.Chains, c)
	}
	for id := range mesh.DaemonID(5) {
		if d.number("configured", 0, 3) > 0 {
			to.Daemons = append(to.Daemons, d.configured(id+1))
		}
	}
	return mesh.Reload{Desired: to}
}

// configured draws the entry of a daemon. It is started after others of smaller ids.
func (d drawer) configured(id mesh.DaemonID) mesh.ConfiguredDaemon {
	c := mesh.ConfiguredDaemon{
		Daemon: mesh.DaemonRef{ID: id, Name: "daemon"}, Run: d.number("run", 0, 3) > 0, Essential: d.number("essential", 0, 4) == 0,
		Checked: d.yes(), Config: rapid.SampledFrom([]string{"x", "x", "y"}).Draw(d.t, "config"),
		Restart: mesh.RestartMode(d.number("mode", 0, 2)), Reloadable: d.yes(), RestartUnhealthy: d.yes(),
	}
	for before := mesh.DaemonID(1); before < id; before++ {
		switch d.number("order", 0, 7) {
		case 0, 1:
			c.Requires = append(c.Requires, before)
		case 2:
			c.After = append(c.After, before)
		}
	}
	return c
}

// place draws where an order stands in the log of the mesh; nil for none.
func (d drawer) place() *mesh.Place {
	if !d.yes() {
		return nil
	}
	return &mesh.Place{Height: uint64(d.number("height", 1, 5)), Mesh: true}
}

// announced draws what the mesh says of other nodes.
func (d drawer) announced() mesh.Input {
	var in mesh.PeersAnnounced
	for range d.number("announced", 0, 3) {
		a := mesh.Announced{ID: d.node(), Name: "m", Gone: d.number("gone", 0, 3) == 0}
		if d.yes() {
			heard := d.span() / 100
			a.Heard = &heard
		}
		if d.number("silent", 0, 4) > 0 {
			a.Summary = d.summary(a.ID)
		}
		in.Peers = append(in.Peers, a)
	}
	if d.number("expelled", 0, 3) == 0 {
		in.Expelled = append(in.Expelled, d.peer())
	}
	return in
}

func (d drawer) summary(of mesh.NodeID) *mesh.Summary {
	out := &mesh.Summary{
		Height: uint64(d.number("height", 0, 5)), Phase: mesh.MaintenancePhase(d.number("phase", 0, 6)),
		Cordoned: d.number("cordoned", 0, 3) == 0, Draining: d.number("draining", 0, 3) == 0,
		ChainsHeld: uint32(d.number("held", 0, 2)), ChainsMost: uint32(d.number("most", 0, 2)),
		ChainsLed: uint32(d.number("leads", 0, 3)),
	}
	if d.yes() {
		out.Labels = []mesh.Label{{Key: "rack", Value: rapid.SampledFrom([]string{"a", "b"}).Draw(d.t, "rack")}}
	}
	if d.yes() {
		load := 0.5
		out.Inventory = &mesh.Inventory{Node: of, CPULoad1m: &load}
		out.Inventory.Ages[mesh.FactCPULoad1m] = d.span() / 10
	}
	for range d.number("doubted", 0, 2) {
		out.Unreachable = append(out.Unreachable, d.peer())
	}
	return out
}
