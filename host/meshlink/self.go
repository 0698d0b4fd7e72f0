package meshlink

import (
	"math"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	// summaryMost is how large what a node says of itself may be, in bytes.
	summaryMost = 1 << 10
	// troubleMost bounds a sentence in it.
	troubleMost = 200
	// troubleEvery is how often at most one sentence takes the place of another.
	troubleEvery = 10 * time.Second
	// unreachableMost bounds how many nodes it names that it can't reach.
	unreachableMost = 32
	// inventoryEvery is how often at most figures are said anew, and inventoryMoved how much one
	// of them has to have moved.
	inventoryEvery = 30 * time.Second
	inventoryMoved = 0.05
)

// Self is what a node knows of itself beside its snapshots.
type Self struct {
	Incarnation   uint64
	Name, Version string
	// Address is that others should measure, and Health their health target; empty where the
	// address of its link is right.
	Address, Health string
	// Labels returns its labels now.
	Labels func() []mesh.Label
	// ChainsMost is how many chains it may hold.
	ChainsMost uint32
	// Trouble returns in a sentence what is wrong; "" for nothing.
	Trouble func(*snapshot.Snapshot) string
}

// selfView makes what this node says of itself from its snapshots.
type selfView struct {
	opts        Options
	inventory   *meshosv1.PeerInventory // as it was said last
	inventoryAt time.Time
	trouble     string
	troubleAt   time.Time
	trimmed     bool // it was reported that not all of it fits
}

func newSelfView(o Options) *selfView { return &selfView{opts: o} }

// summary returns what the node says of itself.
func (v *selfView) summary(s *snapshot.Snapshot, now time.Time) *meshosv1.NodeSummary {
	self, m := v.opts.Self, s.Maintenance
	out := &meshosv1.NodeSummary{
		Incarnation: self.Incarnation, Name: self.Name, Version: self.Version, Address: self.Address, HealthTarget: self.Health,
		Phase: meshosv1.MaintenancePhase(m.Phase), Cordoned: m.Cordoned, Draining: m.Draining,
		ChainsHeld: uint32(s.Held), ChainsLed: uint32(s.Led), ChainsMost: self.ChainsMost,
		Inventory: v.figures(s, now), Labels: wire.LabelsToProto(self.Labels()), Trouble: v.troubleOf(s, now),
	}
	for _, d := range s.Daemons.All() {
		if d.Lifecycle == snapshot.Running {
			out.DaemonsRunning++
		}
		if wrong(&d) {
			out.DaemonsWrong++
		}
	}
	for _, p := range s.Plugins {
		if p.Status != snapshot.PluginReady && p.Status != snapshot.PluginDisabled && p.Status != snapshot.PluginStarting {
			out.PluginsWrong++
		}
	}
	for _, p := range s.Peers.All() {
		if p.Health == mesh.HealthUnreachable && len(out.Unreachable) < unreachableMost {
			out.Unreachable = append(out.Unreachable, uint64(p.Node))
		}
	}
	v.opts.Record.Complete(out)
	v.fit(out)
	return out
}

// troubleOf returns what is wrong. Most such sentences name times, so one takes the place of
// another now and then only.
func (v *selfView) troubleOf(s *snapshot.Snapshot, now time.Time) string {
	if next := cut(v.opts.Self.Trouble(s), troubleMost); (next == "") != (v.trouble == "") || now.Sub(v.troubleAt) >= troubleEvery {
		v.trouble, v.troubleAt = next, now
	}
	return v.trouble
}

// wrong reports whether a daemon is not as it should be.
func wrong(d *snapshot.Daemon) bool {
	switch {
	case d.Rejected != "", d.Restart == snapshot.RestartCrashLooping, d.Restart == snapshot.RestartBackingOff,
		d.Outcome == snapshot.OutcomeFailed, d.StartError != "":
		return true
	}
	return d.Health.Status == mesh.DaemonUnhealthy
}

// fit leaves out what makes a summary too large, the least needed first.
func (v *selfView) fit(out *meshosv1.NodeSummary) {
	for _, drop := range []func(){
		func() { out.Here = nil }, func() { out.Trouble = cut(out.Trouble, 80) }, func() { out.Unreachable = nil },
		func() { out.Labels = nil }, func() { out.Inventory = nil }, func() { out.Trouble, out.HealthTarget = "", "" },
	} {
		if proto.Size(out) <= summaryMost {
			return
		}
		if drop(); !v.trimmed {
			v.trimmed = true
			v.opts.Log.Warn("what this node says of itself to the others is more than 1 KiB, and is cut: use fewer or shorter labels")
		}
	}
}

// figures returns the inventory that others get: what they decide with, and only if it has
// moved.
func (v *selfView) figures(s *snapshot.Snapshot, now time.Time) *meshosv1.PeerInventory {
	own, known := s.Peers.Get(s.Node)
	if !known || own.Inventory == nil {
		v.inventory = nil
		return nil
	}
	in := own.Inventory
	next := wire.InventoryToProto(mesh.Inventory{
		Node: s.Node, CPULoad1m: in.CPULoad1m, LoadPerCPU: in.LoadPerCPU, CPUs: in.CPUs, CPUsUsed: in.CPUsUsed,
		MemUsedBytes: in.MemUsedBytes, MemTotalBytes: in.MemTotalBytes, DiskUsedBytes: in.DiskUsedBytes, DiskTotalBytes: in.DiskTotalBytes,
		SaturationTrend: in.SaturationTrend, Capabilities: in.Capabilities, SoftwareVersion: in.SoftwareVersion, ForkedFrom: in.ForkedFrom,
	})
	if proto.Size(next) > summaryMost/2 {
		next.Capabilities = nil
	}
	if v.inventory == nil || now.Sub(v.inventoryAt) >= inventoryEvery && moved(v.inventory, next) {
		v.inventory, v.inventoryAt = next, now
	}
	return v.inventory
}

// moved reports whether a figure is another one by more than a twentieth, or there is one more
// or less.
func moved(a, b *meshosv1.PeerInventory) bool {
	moved := false
	float := func(x, y *float64) {
		moved = moved || (x == nil) != (y == nil) || x != nil && far(*x, *y)
	}
	count := func(x, y *uint64) {
		moved = moved || (x == nil) != (y == nil) || x != nil && far(float64(*x), float64(*y))
	}
	float(a.CpuLoad_1M, b.CpuLoad_1M)
	float(a.LoadPerCpu, b.LoadPerCpu)
	float(a.Cpus, b.Cpus)
	float(a.CpusUsed, b.CpusUsed)
	count(a.MemUsedBytes, b.MemUsedBytes)
	count(a.MemTotalBytes, b.MemTotalBytes)
	count(a.DiskUsedBytes, b.DiskUsedBytes)
	count(a.DiskTotalBytes, b.DiskTotalBytes)
	lasting := func(in *meshosv1.PeerInventory) *meshosv1.PeerInventory {
		return &meshosv1.PeerInventory{Capabilities: in.GetCapabilities(), SoftwareVersion: in.SoftwareVersion, ForkedFrom: in.ForkedFrom}
	}
	return moved || !proto.Equal(lasting(a), lasting(b))
}

func far(x, y float64) bool { return math.Abs(x-y) > inventoryMoved*max(math.Abs(x), math.Abs(y)) }

// cut cuts a text at a number of bytes, between two letters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + " …"
}
