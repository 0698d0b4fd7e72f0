package metrics

import (
	"context"
	"strings"
	"time"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/snapshot/shared"
)

// Follow counts failures and round-trip times from the snapshots, and notes since when records
// wait, until ctx ends.
func (m *Metrics) Follow(ctx context.Context, source follow.Source) {
	f := follower{metrics: m, sources: make(map[string]bool)}
	for snap := range follow.Snapshots(ctx, source) {
		f.read(snap)
	}
}

// follower remembers what it has counted.
type follower struct {
	metrics *Metrics
	seq     uint64         // of the newest failure that was counted
	peers   snapshot.Peers // of which the measurements were counted
	sources map[string]bool
}

func (f *follower) read(snap *snapshot.Snapshot) {
	f.metrics.waits.see(snap, time.Now())
	for _, failure := range snap.Failures {
		if failure.Seq <= f.seq {
			continue
		}
		// Those that the ring lost before they could be read are of an unknown source.
		if lost := failure.Seq - f.seq - 1; lost > 0 {
			f.metrics.failures.WithLabelValues("unknown").Add(float64(lost))
		}
		f.seq = failure.Seq
		f.metrics.failures.WithLabelValues(f.source(failure.Source)).Inc()
	}
	f.readRTTs(snap)
}

// readRTTs records each new measurement once: a probe reports the same one at several ticks,
// and two measurements are never the same to the nanosecond.
func (f *follower) readRTTs(snap *snapshot.Snapshot) {
	before := f.peers
	f.peers = snap.Peers
	same := func(a, b *snapshot.Peer) bool { return a.HasRTT == b.HasRTT && a.RTT == b.RTT }
	for _, change := range shared.Changes(before, snap.Peers, same) {
		if change.New != nil && change.New.HasRTT {
			f.metrics.rtt.Observe(change.New.RTT.Seconds())
		}
	}
}

// maxSources bounds how many sources of failures have a series of their own.
const maxSources = 200

// source returns the label for the source of a failure: "plugin:health-tcp" as it is, and
// "action" for "action:17", since numbers never come again.
func (f *follower) source(of string) string {
	label := valid(of)
	if head, tail, found := strings.Cut(of, ":"); found && strings.Trim(tail, "0123456789") == "" {
		label = valid(head)
	}
	if !f.sources[label] && len(f.sources) >= maxSources {
		return "other"
	}
	f.sources[label] = true
	return label
}
