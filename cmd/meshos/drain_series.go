package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// drainResult is how the drain of one node of a series ended, as -o json says it.
type drainResult string

const (
	resultDrained     drainResult = "drained"
	resultRefused     drainResult = "refused"        // the order was not taken
	resultFailed      drainResult = "failed"         // a call failed
	resultUnknown     drainResult = "unknown"        // nobody knows whether the order counts
	resultUnreachable drainResult = "unreachable"    // it does not answer any more
	resultTimeout     drainResult = "timeout"        // its deadline is over
	resultStalled     drainResult = "stalled"        // nothing of what is left changed for long
	resultPeer        drainResult = "peer_unhealthy" // another node is not well any more
	resultFrozen      drainResult = "frozen"         // a freeze keeps everything as it is
	resultReplaced    drainResult = "replaced"       // another command ended the drain
	resultInterrupted drainResult = "interrupted"
	resultNotBegun    drainResult = "not_begun"
)

// drainEnd is why the drain of a node of a series is over. why is empty for one that is drained.
type drainEnd struct {
	result drainResult
	why    string
}

// drainSeries judges the drains of several nodes, one after the other, by what the nodes show.
// It asks nobody and reads no clock.
type drainSeries struct {
	stall  time.Duration // how long nothing of what is left may stay as it is
	silent time.Duration // how long a node may not answer

	here   uint64          // the node that is asked how the others are
	wasBad map[uint64]bool // others that were not well at the beginning
	done   map[uint64]bool // drained by this series: what they do now is their operator's affair

	// Of the drain that goes on.
	node     uint64
	height   uint64 // of its order in the log
	epoch    uint64 // of the node when it was ordered
	changed  time.Time
	heard    time.Time
	deadline time.Time // zero: not known yet
	left     []string
}

// newDrainSeries begins a series, by what the node at the socket shows of the others.
func newDrainSeries(s *meshosv1.Snapshot, stall, silent time.Duration) *drainSeries {
	d := &drainSeries{stall: stall, silent: silent, here: s.GetNode(), wasBad: map[uint64]bool{}, done: map[uint64]bool{}}
	for _, p := range s.GetPeers() {
		if notWell(p) != "" {
			d.wasBad[p.GetPeer()] = true
		}
	}
	return d
}

// begin notes that the drain of a node was ordered, which had an epoch before.
func (d *drainSeries) begin(node, epoch, height uint64, now time.Time) {
	d.node, d.epoch, d.height, d.changed, d.heard, d.deadline, d.left = node, epoch, height, now, now, time.Time{}, nil
}

// others judges how the other nodes are, by what the node at the socket shows. Nodes that this
// series drained, or drains, are not among them.
func (d *drainSeries) others(s *meshosv1.Snapshot) *drainEnd {
	for _, p := range s.GetPeers() {
		id := p.GetPeer()
		if id == d.here || id == d.node || d.done[id] || d.wasBad[id] {
			continue
		}
		if why := notWell(p); why != "" {
			return &drainEnd{resultPeer, fmt.Sprintf("node %s %s", nameOrID(view.Plain(p.GetName()), id), why)}
		}
	}
	return nil
}

// notWell returns what is wrong with another node that bears on draining others; "" for nothing.
func notWell(p *meshosv1.PeerView) string {
	m := p.GetMember()
	switch {
	case m.GetGone() && m.GetOrderly():
		return "has ended"
	case m.GetGone():
		return "is gone"
	case m.GetFromHere():
		return "is unreachable from here"
	case p.GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE:
		return "is unreachable"
	case p.GetHealth() == meshosv1.NodeHealth_NODE_HEALTH_DEGRADED:
		return "is degraded"
	case m.GetAlarm() != "":
		return view.Plain(m.GetAlarm())
	}
	return ""
}

// see judges what the node that is drained shows; nil while the drain goes on.
func (d *drainSeries) see(s *meshosv1.Snapshot, now time.Time) *drainEnd {
	d.heard = now
	again := s.GetEpoch() != d.epoch && s.GetMesh().GetHeight() >= d.height // it began with the order
	if s.GetTick() == 0 || !folded(s, d.height) && !again {
		return d.late(now)
	}
	local := s.GetLocalMaintenance()
	switch err := drainOver(s, false); {
	case errors.Is(err, errDone):
		d.left = nil
		d.done[d.node] = true
		return &drainEnd{result: resultDrained}
	case err != nil:
		return &drainEnd{resultReplaced, err.Error()}
	}
	if s.FreezeRemaining != nil {
		return &drainEnd{resultFrozen, "the cluster is frozen, and nothing changes until that ends"}
	}
	if d.deadline.IsZero() && local.GetDeadline() != nil {
		d.deadline = now.Add(local.GetDeadline().AsDuration())
	}
	if !slices.Equal(d.left, local.GetWaitingFor()) {
		d.left, d.changed = slices.Clone(local.GetWaitingFor()), now
	}
	return d.late(now)
}

// missed judges that the node that is drained did not answer.
func (d *drainSeries) missed(cause error, now time.Time) *drainEnd {
	if away := now.Sub(d.heard); away >= d.silent {
		return &drainEnd{resultUnreachable, fmt.Sprintf("it has not answered for %s: %v", view.Seconds(away.Round(time.Second)), cause)}
	}
	return d.late(now)
}

// late judges how long the drain takes.
func (d *drainSeries) late(now time.Time) *drainEnd {
	switch {
	case !d.deadline.IsZero() && !now.Before(d.deadline):
		return &drainEnd{resultTimeout, "its deadline is over"}
	case now.Sub(d.changed) >= d.stall:
		return &drainEnd{resultStalled, "nothing changed for " + view.Seconds(d.stall)}
	}
	return nil
}

// leftWords says what is left on the node that is drained.
func (d *drainSeries) leftWords() string {
	const shown = 5
	if len(d.left) == 0 {
		return "nothing is left; waiting for the node to confirm it"
	}
	names := d.left[:min(len(d.left), shown)]
	words := fmt.Sprintf("%d left: %s", len(d.left), view.Plain(strings.Join(names, ", ")))
	if more := len(d.left) - len(names); more > 0 {
		words += fmt.Sprintf(" and %d more", more)
	}
	return words
}
