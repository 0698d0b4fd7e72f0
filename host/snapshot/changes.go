package snapshot

import (
	"iter"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot/shared"
)

// What differs between two snapshots of a node, in a time that follows how much does.

// ReplicaChanges yields the chains that differ.
func ReplicaChanges(earlier, later *Snapshot) iter.Seq2[mesh.ChainID, shared.Change[Replica]] {
	return shared.Changes(earlier.Replicas, later.Replicas, sameReplica)
}

// AvoidChanges yields the entries of the avoid list that differ.
func AvoidChanges(earlier, later *Snapshot) iter.Seq2[mesh.NodeID, shared.Change[Avoid]] {
	return shared.Changes(earlier.AvoidList, later.AvoidList, func(a, b *Avoid) bool { return *a == *b })
}

// DaemonChanges yields the daemons that differ, or of which the host knows something else.
func DaemonChanges(earlier, later *Snapshot) iter.Seq2[mesh.DaemonID, shared.Change[Daemon]] {
	beside := differing(earlier.Beside.Daemons, later.Beside.Daemons, func(a, b BesideDaemon) bool {
		return a.Left == b.Left && slices.Equal(a.Notes, b.Notes)
	})
	return also(shared.Changes(earlier.Daemons, later.Daemons, sameDaemon), earlier.Daemons, later.Daemons, beside)
}

// PeerChanges yields the peers that differ, whose health is unknown for another reason, or with
// whose log something else is wrong.
func PeerChanges(earlier, later *Snapshot) iter.Seq2[mesh.NodeID, shared.Change[Peer]] {
	same := func(a, b string) bool { return a == b }
	beside := differing(earlier.Beside.Unchecked, later.Beside.Unchecked, same)
	beside = append(beside, differing(earlier.Beside.Nameless, later.Beside.Nameless, same)...)
	if earlier.Beside.reasons() != later.Beside.reasons() {
		// Whether there is any reason beside the core's matters for every peer of unknown health.
		beside = beside[:0]
		for id, p := range later.Peers.All() {
			if p.Health == mesh.HealthUnknown {
				beside = append(beside, id)
			}
		}
	}
	beside = append(beside, differing(earlier.Beside.Alarms, later.Beside.Alarms, same)...)
	slices.Sort(beside)
	return also(
		shared.Changes(earlier.Peers, later.Peers, func(a, b *Peer) bool { return *a == *b }),
		earlier.Peers, later.Peers, slices.Compact(beside),
	)
}

// differing returns the keys of which two maps say something else.
func differing[K ~uint64, V any](a, b map[K]V, same func(a, b V) bool) (out []K) {
	for k, v := range b {
		if was, known := a[k]; !known || !same(was, v) {
			out = append(out, k)
		}
	}
	for k := range a {
		if _, known := b[k]; !known {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// also yields changes and, of the keys that are not among them, the entries that are as they
// were.
func also[K ~uint64, V any](changes iter.Seq2[K, shared.Change[V]], earlier, later shared.Table[K, V], keys []K) iter.Seq2[K, shared.Change[V]] {
	if len(keys) == 0 {
		return changes
	}
	return func(yield func(K, shared.Change[V]) bool) {
		seen := make(map[K]bool, len(keys))
		for k, c := range changes {
			if _, among := slices.BinarySearch(keys, k); among {
				seen[k] = true
			}
			if !yield(k, c) {
				return
			}
		}
		for _, k := range keys {
			was, known := earlier.Get(k)
			is, still := later.Get(k)
			if !seen[k] && known && still && !yield(k, shared.Change[V]{Old: &was, New: &is}) {
				return
			}
		}
	}
}
