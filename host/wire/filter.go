package wire

import (
	"fmt"
	"math"
	"strings"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Filter chooses entries of a snapshot's lists. The zero value chooses all.
type Filter struct {
	sections               uint32 // a bit for each; 0 for all
	daemons, chains, peers idRange
	daemonNames, peerNames string
	some                   bool // it leaves something out
	deltas                 bool
}

// idRange is a range of ids; the zero value is all of them.
type idRange struct{ from, to uint64 }

func (r idRange) has(id uint64) bool { return id >= r.from && (r.to == 0 || id <= r.to) }

// FilterFromProto checks and converts a filter. The error is for whoever sent it.
func FilterFromProto(in *hostv1.SnapshotFilter) (Filter, error) {
	f := Filter{daemonNames: in.GetDaemonNames(), peerNames: in.GetPeerNames()}
	for i, s := range in.GetSections() {
		if _, known := hostv1.SnapshotFilter_Section_name[int32(s)]; !known || s == hostv1.SnapshotFilter_SECTION_UNSPECIFIED {
			return Filter{}, fmt.Errorf("filter.sections[%d]: %d is not a section of a snapshot", i, s)
		}
		f.sections |= 1 << s
	}
	for _, r := range []struct {
		name string
		in   *hostv1.IdRange
		to   *idRange
	}{{"daemons", in.GetDaemons(), &f.daemons}, {"chains", in.GetChains(), &f.chains}, {"peers", in.GetPeers(), &f.peers}} {
		*r.to = idRange{r.in.GetFrom(), r.in.GetTo()}
		if r.to.to != 0 && r.to.to < r.to.from {
			return Filter{}, fmt.Errorf("filter.%s: to is %d, but from is %d", r.name, r.to.to, r.to.from)
		}
	}
	f.some = f != Filter{}
	return f, nil
}

// ForDeltas returns the filter for a stream of deltas. There a daemon that never ran has no
// age, so that whoever keeps it knows that it grows no older.
func (f Filter) ForDeltas() Filter {
	f.deltas = true
	return f
}

func (f *Filter) daemonToProto(of *snapshot.Snapshot, d snapshot.Daemon) *meshosv1.DaemonView {
	out := daemonToProto(of, d)
	if f.deltas && !d.Since.Set() {
		out.Age = nil
	}
	return out
}

// Some reports whether the filter leaves anything out.
func (f *Filter) Some() bool { return f.some }

func (f *Filter) section(s hostv1.SnapshotFilter_Section) bool {
	return f.sections == 0 || f.sections&(1<<s) != 0
}

func (f *Filter) daemon(d *snapshot.Daemon) bool {
	return f.daemons.has(uint64(d.Daemon.ID)) && strings.HasPrefix(d.Daemon.Name, f.daemonNames)
}

func (f *Filter) chain(r *snapshot.Replica) bool { return f.chains.has(uint64(r.Chain)) }

func (f *Filter) peer(p *snapshot.Peer) bool {
	return f.peers.has(uint64(p.Node)) && strings.HasPrefix(p.Name, f.peerNames)
}

func (f *Filter) avoided(a *snapshot.Avoid) bool { return f.peers.has(uint64(a.Peer)) }

func (f *Filter) waitingChain(id mesh.ChainID) bool { return f.chains.has(uint64(id)) }

func (f *Filter) waitingDaemon(d mesh.DaemonRef) bool {
	return f.daemons.has(uint64(d.ID)) && strings.HasPrefix(d.Name, f.daemonNames)
}

// unlimited is the size of a page that has all that there is.
const unlimited = math.MaxInt
