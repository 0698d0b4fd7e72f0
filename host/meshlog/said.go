package meshlog

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// sumsMost is of how many heights the own admin_state is kept, to compare those of others.
const sumsMost = 256

// saidState is the admin_state that another node says.
type saidState struct {
	height uint64
	sum    cluster.Hash
	runs   version
}

// Complete implements meshlink.Record.
func (l *Log) Complete(self *meshosv1.NodeSummary) {
	self.LogVersion = cluster.LogVersion
	if !l.Used() {
		return
	}
	here := l.parts.Here()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.Height() == 0 {
		return
	}
	frozen, _ := l.follower.Frozen()
	sum, signers := l.ownSum(), l.state.SignersSum()
	self.Height, self.AdminState, self.Signers, self.LogFrozen, self.Here = l.state.Height(), sum[:], signers[:], frozen != "", here
}

// ownSum returns admin_state, and remembers it. The caller holds mu.
func (l *Log) ownSum() cluster.Hash {
	height, sum := l.state.Height(), l.state.Sum()
	if _, known := l.sums[height]; !known {
		l.sums[height] = sum
		if len(l.sums) > sumsMost {
			delete(l.sums, slices.Min(slices.Collect(maps.Keys(l.sums))))
		}
		for _, id := range slices.Sorted(maps.Keys(l.said)) {
			l.compare(id)
		}
	}
	return sum
}

// Heard implements meshlink.Record.
func (l *Log) Heard(node mesh.NodeID, said *meshosv1.NodeSummary) {
	if !l.Used() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, member := l.state.Member(node); !member {
		return
	}
	runs := version{name: said.GetVersion(), log: max(1, said.GetLogVersion())}
	if len(said.GetAdminState()) != len(cluster.Hash{}) {
		before := l.said[node]
		before.runs = runs
		l.said[node] = before
		return
	}
	l.follower.Said(said.GetHeight())
	l.said[node] = saidState{said.GetHeight(), cluster.Hash(said.GetAdminState()), runs}
	l.ownSum()
	l.compare(node)
}

// compare compares what another node says of its state with the own one at that height. The
// caller holds mu.
func (l *Log) compare(node mesh.NodeID) {
	said := l.said[node]
	own, known := l.sums[said.height]
	if !known {
		return
	}
	_, before := l.differs[node]
	switch {
	case own == said.sum:
		delete(l.differs, node)
	case !before:
		l.differs[node] = said.height
		l.opts.Report("mesh:state", fmt.Sprintf("node %d differs at height %d: it has admin_state %s, this node has %s, and the same log leads to the same; "+
			"compare `meshos mesh status` of several nodes, and have the one that is alone begin anew", node, said.height, said.sum, own))
	}
}

// forgetOthers forgets what those said who are no members any more. The caller holds mu.
func (l *Log) forgetOthers() {
	gone := func(id mesh.NodeID) bool {
		_, member := l.state.Member(id)
		return !member
	}
	maps.DeleteFunc(l.said, func(id mesh.NodeID, _ saidState) bool { return gone(id) })
	maps.DeleteFunc(l.differs, func(id mesh.NodeID, _ uint64) bool { return gone(id) })
}

// Differs returns what is wrong with the log of another node, for people; "" for nothing.
func (l *Log) Differs(node mesh.NodeID) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if height, is := l.differs[node]; is {
		return differsAt(height)
	}
	return ""
}

// Alarms returns what is wrong with the logs of others, as Differs says it; nil for nothing.
func (l *Log) Alarms() map[mesh.NodeID]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.differs) == 0 {
		return nil
	}
	out := make(map[mesh.NodeID]string, len(l.differs))
	for id, height := range l.differs {
		out[id] = differsAt(height)
	}
	return out
}

func differsAt(height uint64) string { return fmt.Sprintf("differs at height %d", height) }

// View returns what the node knows of its mesh; nil if it belongs to none.
func (l *Log) View() *meshosv1.MeshView {
	if !l.Used() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.state
	own, member := s.Member(l.opts.Node)
	frozen, _ := l.follower.Frozen()
	out := &meshosv1.MeshView{
		Link: l.follower.Link(), Height: s.Height(), Members: uint32(len(s.Members())), Member: member, Seed: own.Seed, Frozen: frozen,
	}
	if s.Height() > 0 {
		head, sum, founding := s.Head(), l.ownSum(), s.Founding()
		out.Head, out.AdminState, out.Founding = head[:], sum[:], founding[:]
		_, _, out.SignersHeight = s.Signers()
		out.First = l.follower.First()
		out.NextId, out.ClusterId = uint64(s.NextID()), s.Cluster()
	}
	l.viewVersions(out)
	l.viewRecovery(out)
	l.viewCheckpoint(out)
	if !member {
		out.Joining = cmp.Or(l.whyJoining, l.follower.WhyNotMember())
	}
	for _, m := range s.Members() {
		if m.Seed {
			out.Seeds++
			pin := sha256.Sum256(m.LinkKey[:])
			out.SeedPins = append(out.SeedPins, pin[:])
		}
	}
	for _, t := range s.Tokens() {
		out.Tokens = append(out.Tokens, &meshosv1.MeshView_OpenToken{Node: uint64(t.Node), Expires: timestamppb.New(t.Expires), Seed: t.Seed})
	}
	for _, id := range slices.Sorted(maps.Keys(l.differs)) {
		out.Alarms = append(out.Alarms, fmt.Sprintf("node %d %s", id, differsAt(l.differs[id])))
	}
	if why := l.follower.Differs(); why != "" {
		out.Alarms = append(out.Alarms, why)
	}
	if l.whyBehind != "" {
		out.Alarms = append(out.Alarms, l.whyBehind)
	}
	if unwritten, _ := l.follower.Unwritten(); len(unwritten) > 0 {
		out.Alarms = append(out.Alarms, fmt.Sprintf("%d entries of the log can't be written to disk, so they are not done here", len(unwritten)))
	}
	return out
}
