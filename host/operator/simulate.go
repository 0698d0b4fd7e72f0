package operator

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/snapshot"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// How much of the placement a command is expected to change, as shown to operators.
const (
	deltaFlushPeer   = 0.05
	deltaFlushGlobal = 0.10
	deltaForced      = 0.15
)

// Simulate returns what a break-glass command would touch if everything goes well, as
// far as one node can see, with warnings for the operator. It returns an error for any
// other command, and for one that would be rejected as malformed.
func Simulate(s *snapshot.Snapshot, ev mesh.AdminEvent) (*meshosv1.BlastRadius, error) {
	if why := rules.CheckFreeze(ev); why != "" {
		return nil, rules.Reject(mesh.RejectMalformed, "%s", why)
	}
	b := &blast{s: s, out: &meshosv1.BlastRadius{}}
	switch ev := ev.(type) {
	case mesh.FreezeCluster:
		b.out.AffectedNodes = b.reached()
		b.out.EstimatedDrainDelay = durationpb.New(ev.TTL)
		b.warn(warnFreezeBlocks, "nothing is started, stopped, placed or moved and ordinary commands are refused until the freeze ends or is thawed")
		b.others(warnFreezeLocal, "it is frozen", "goes on", "go on")
	case mesh.ThawCluster:
		if s.Frozen.Set() {
			b.warn(warnThawResumes, "work that the freeze held back goes on at once")
			b.others(warnThawLocal, "its freeze ends", "stays as it is", "stay as they are")
		} else {
			b.warn(warnThawNothing, "the cluster is not frozen as this node sees it: nothing would change")
		}
	case mesh.FlushAvoidLists:
		b.flush(ev)
	case mesh.ForceEvictReplica:
		b.evict(ev)
	case mesh.ForceRestartDaemon:
		b.restart(ev)
	case mesh.ForceCutover:
		b.cutover(ev)
	case mesh.KillMigration:
		b.kill(ev)
	case mesh.ExpelNode:
		b.out.AffectedNodes = []uint64{uint64(ev.Node)}
		b.warn(warnExpel, "node %s is no member of the mesh any more: it is unlinked at once, its orders and its open token end, and it can only come back with a token that replaces it", b.nodeName(ev.Node))
	case mesh.SetSigners:
		b.out.AffectedNodes = b.peers()
		b.warn(warnSigners, "from then on the whole mesh takes commands of those alone whom the new list names; proposals that others signed are void")
	case mesh.Checkpoint:
		b.out.AffectedNodes = b.reached()
		b.warn(warnCheckpoint, "operators vouch for what the log leads to at height %d: what is before it is dropped in time, and nodes that join go on from there", ev.Height)
	default:
		return nil, fmt.Errorf("%s is not a break-glass command: there is nothing to simulate", ev.Kind())
	}
	return b.out, nil
}

// Hash returns the blast hash: the SHA-256 of the deterministic encoding of a whole blast
// radius, warnings included.
func Hash(b *meshosv1.BlastRadius) ([rules.HashSize]byte, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(b)
	if err != nil {
		return [rules.HashSize]byte{}, fmt.Errorf("encode blast radius: %w", err)
	}
	return sha256.Sum256(raw), nil
}

// blast builds a blast radius.
type blast struct {
	s   *snapshot.Snapshot
	out *meshosv1.BlastRadius
}

// peers returns all other nodes in ascending order.
func (b *blast) peers() []uint64 {
	var out []uint64
	for p := range b.s.Peers.Values() {
		if p.Node != b.s.Node {
			out = append(out, uint64(p.Node))
		}
	}
	slices.Sort(out)
	return out
}

// inMesh reports whether commands reach all nodes, by the log of a mesh.
func (b *blast) inMesh() bool { return b.s.Orders.InMesh() }

// reached returns the nodes that a freeze reaches: all of the mesh, or only the one that is
// asked.
func (b *blast) reached() []uint64 {
	if !b.inMesh() {
		return []uint64{uint64(b.s.Node)}
	}
	out := append(b.peers(), uint64(b.s.Node))
	slices.Sort(out)
	return out
}

// shownOthers is how many other nodes a warning names.
const shownOthers = 20

// others warns that a command reaches this node only, and names the other nodes.
func (b *blast) others(kind, here, one, many string) {
	peers := b.peers()
	if len(peers) == 0 || b.inMesh() {
		return
	}
	names := make([]string, 0, shownOthers)
	for _, id := range peers[:min(len(peers), shownOthers)] {
		names = append(names, b.nodeName(mesh.NodeID(id)))
	}
	if more := len(peers) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	nodes, does, each := "nodes ", many, "each of them"
	if len(peers) == 1 {
		nodes, does, each = "node ", one, "it"
	}
	b.warn(kind, "only node %s is asked, and %s; %s%s %s until the command is sent to %s, too",
		b.nodeName(b.s.Node), here, nodes, strings.Join(names, ", "), does, each)
}

// nodeName returns a node's id, with its name if it has one.
func (b *blast) nodeName(id mesh.NodeID) string {
	p, _ := b.s.Peers.Get(id)
	name := p.Name
	switch {
	case name != "":
	case id == b.s.Node && b.s.Info != nil:
		name = b.s.Info.Name
	}
	if name == "" {
		return strconv.FormatUint(uint64(id), 10)
	}
	return fmt.Sprintf("%d (%s)", id, name)
}

func (b *blast) flush(ev mesh.FlushAvoidLists) {
	switch {
	case ev.Local != 0:
		b.out.AffectedNodes = []uint64{uint64(ev.Local)}
		b.warn(warnFlushLocal, "only node %d empties its avoid list; other nodes ignore this", ev.Local)
	case ev.OnPeer != 0:
		b.out.AffectedNodes = b.peers()
		b.out.PlacementStabilityDelta = deltaFlushPeer
		b.warn(warnFlushPeer, "every node that receives the command stops avoiding node %d", ev.OnPeer)
	default:
		b.out.AffectedNodes = b.peers()
		b.out.PlacementStabilityDelta = deltaFlushGlobal
		b.warn(warnFlushGlobal, "peers that are still too slow are avoided again at the next tick")
	}
}

func (b *blast) evict(ev mesh.ForceEvictReplica) {
	b.out.AffectedNodes = []uint64{uint64(ev.Victim)}
	b.out.AffectedReplicas = []uint64{uint64(ev.Chain)}
	b.out.PlacementStabilityDelta = deltaForced
	b.warn(warnEvictBypasses, "the eviction of chain %d from node %d does not wait for the rebalance cooldown", ev.Chain, ev.Victim)
	switch holders, known := b.chain(ev.Chain); {
	case !known:
		b.warn(warnEvictUnknown, "this node does not know chain %d: nothing would be done", ev.Chain)
	case !slices.Contains(holders, ev.Victim):
		b.warn(warnEvictNonHolder, "node %d does not hold chain %d: nothing would be done", ev.Victim, ev.Chain)
	}
}

func (b *blast) cutover(ev mesh.ForceCutover) {
	b.out.AffectedNodes = []uint64{uint64(ev.Target)}
	b.out.AffectedReplicas = []uint64{uint64(ev.Chain)}
	b.out.PlacementStabilityDelta = deltaForced
	b.warn(warnCutoverBypasses, "chain %d is placed on node %d whatever its score; there may be too many replicas for a while", ev.Chain, ev.Target)
	switch holders, known := b.chain(ev.Chain); {
	case !known:
		b.warn(warnCutoverUnknown, "this node does not know chain %d: nothing would be done", ev.Chain)
	case slices.Contains(holders, ev.Target):
		b.warn(warnCutoverHolder, "node %d holds chain %d already: nothing would be done", ev.Target, ev.Chain)
	}
}

// chain returns the holders of a chain. A chain that is desired but has no holder yet is
// known, too.
func (b *blast) chain(id mesh.ChainID) (holders []mesh.NodeID, known bool) {
	r, known := b.s.Replicas.Get(id)
	return r.Holders, known
}

func (b *blast) restart(ev mesh.ForceRestartDaemon) {
	b.out.AffectedDaemons = []*meshosv1.DaemonRef{{Id: uint64(ev.Daemon.ID), Name: ev.Daemon.Name}}
	b.warn(warnRestartBypasses, "daemon %s starts again without its backoff or crash-loop protection; remove the cause first", ev.Daemon)
	if ev.Node != 0 {
		b.out.AffectedNodes = []uint64{uint64(ev.Node)}
		if ev.Node != b.s.Node {
			b.warn(warnRestartElsewhere, "the daemon is one of node %s, and only that node can say how it is", b.nodeName(ev.Node))
			return
		}
	}
	d, known := b.s.Daemons.Get(ev.Daemon.ID)
	switch {
	case !known:
		b.warn(warnRestartUnknown, "this node does not know daemon %s: it may be mistyped", ev.Daemon)
	case d.Lifecycle == snapshot.Running || d.Lifecycle == snapshot.Starting:
		b.warn(warnRestartRuns, "daemon %s runs: it is stopped first", ev.Daemon)
	case d.Restart == snapshot.RestartIdle:
		b.warn(warnRestartIdle, "nothing keeps daemon %s from starting: nothing would change", ev.Daemon)
	}
}

// kill shows the migration that would be aborted, if it is one of this node. It leaves out
// what changes all the time, such as progress, so that the hash stays the same.
func (b *blast) kill(ev mesh.KillMigration) {
	if ev.Node != 0 {
		b.out.AffectedNodes = []uint64{uint64(ev.Node)}
	}
	i := slices.IndexFunc(b.s.Migrations, func(m mesh.Migration) bool { return m.ID == ev.Migration })
	if i < 0 {
		b.warn(warnKillPending, "this node has no migration %d in progress; if another node has it, only that node can show and abort it", ev.Migration)
		return
	}
	m := b.s.Migrations[i]
	b.out.AffectedDaemons = []*meshosv1.DaemonRef{{Id: uint64(ev.Migration)}}
	text := fmt.Sprintf("migration %d, from node %d to node %d, is aborted", m.ID, m.Source, m.Target)
	switch m.Phase {
	case mesh.MigrationCutover:
		text += "; it is cutting over, so it may be too late"
	case mesh.MigrationComplete:
		text = fmt.Sprintf("migration %d, from node %d to node %d, is complete: nothing would be aborted", m.ID, m.Source, m.Target)
	}
	b.warn(warnKillPending, "%s; this node sees its own migrations only", text)
}
