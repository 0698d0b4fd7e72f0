package follower

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	// Within bounds how long an order is tried and waited for.
	Within = 10 * time.Second
	// Again is how long to wait for the entry that was first before trying again.
	Again = 250 * time.Millisecond
)

// Build makes the entry of an order, still without its place, or says why it would not count.
type Build func(s *cluster.State, at time.Time) (*meshosv1.OrderedEntry, error)

// Order is one order of this node on its way into the log. Its owner calls Next whenever
// something happened, until it has ended, and then End.
type Order struct {
	f     *Follower
	key   cluster.Signer
	id    []byte // by which the log knows it
	of    []byte // its commit id; empty if it has none
	build Build
	began mesh.Time
	until mesh.Time // when it is given up

	// The entry that was published last, until it is known what became of it.
	raw     []byte
	height  uint64
	doubt   bool  // it may be in the log
	calling bool  // the plugin has not answered yet
	cause   error // of the last answer
	after   mesh.Time
	pauses  mesh.Time // it is not published before
	moved   uint64    // as Follower.moved, when another one was first

	ended  bool
	record mesh.AuditRecord
	err    error
}

// Step is what an order has to have done next: one of the three.
type Step struct {
	Publish *pluginv1.OrderRequest // with the plugin, and then Answered
	Until   mesh.Time              // call Next then, or when an entry was folded or the link changed
	Ended   bool                   // see Order.Result
}

// Answer is what the plugin answered.
type Answer uint8

// The answers.
const (
	Unknown  Answer = iota // it is not known whether the log has the entry
	Appended               // the log has it
	Aborted                // another entry has its height
	NoQuorum               // nothing was appended, since there is no quorum
	Refused                // nothing was appended, since the log refuses it
)

// Begin begins an order. The id is that by which the log knows it again: that of its commit,
// or a random one. With commit it is the id of a signed command, which somebody else may order
// too.
func (f *Follower) Begin(now mesh.Time, key cluster.Signer, id []byte, commit bool, build Build) *Order {
	o := &Order{f: f, key: key, id: id, build: build, began: now, until: now.Add(Within)}
	if commit {
		o.of = id
	}
	f.orders = append(f.orders, o)
	return o
}

// Next returns what is to be done. Wall is the time by the node's own clock.
func (o *Order) Next(now mesh.Time, wall time.Time) Step {
	until := o.until
	if !o.ended && !o.doubt && !o.calling {
		if err := o.f.Reachable(); err != nil {
			return o.end(mesh.AuditRecord{}, err)
		}
	}
	switch {
	case o.ended:
		return Step{Ended: true}
	case (now >= until || o.f.frozen != "") && (o.doubt || o.calling):
		cause := o.cause
		switch {
		case o.f.frozen != "":
			cause = errors.New(o.f.frozen)
		case cause == nil:
			cause = errors.New("the mesh plugin did not answer")
		}
		return o.end(mesh.AuditRecord{}, &UnknownError{CommitID: o.of, After: now.Sub(o.began), Cause: cause})
	case now >= until:
		return o.end(mesh.AuditRecord{}, busy())
	case o.f.orders[0] != o || o.calling || o.doubt:
		return Step{Until: until}
	case o.f.moved == o.moved && now < o.after:
		return Step{Until: min(until, o.after)}
	case now < o.pauses:
		return Step{Until: min(until, o.pauses)}
	}
	return o.publish(wall)
}

// publish makes the entry for the next height.
func (o *Order) publish(wall time.Time) Step {
	entry, err := o.build(o.f.state, wall)
	if err != nil {
		return o.end(mesh.AuditRecord{}, err)
	}
	raw, err := o.f.state.Seal(entry, o.f.node, wall, o.key)
	if err != nil {
		return o.end(mesh.AuditRecord{}, rules.Reject(mesh.RejectMalformed, "%v", err))
	}
	o.raw, o.height, o.calling = raw, o.f.state.Height()+1, true
	return Step{Publish: &pluginv1.OrderRequest{Entry: raw, Height: o.height, Id: o.id}}
}

// Answered says what the plugin answered, and why.
func (o *Order) Answered(now mesh.Time, a Answer, cause error) {
	if o.ended || !o.calling {
		return
	}
	o.calling, o.cause = false, cause
	if a == Aborted {
		o.pauses = now.Add(o.f.jitter())
	}
	if o.raw == nil { // another entry was folded at its height meanwhile
		return
	}
	switch a {
	case Aborted:
		o.raw, o.after, o.moved = nil, now.Add(Again), o.f.moved
	case NoQuorum:
		o.end(mesh.AuditRecord{}, unreachable(cause.Error()))
	case Refused:
		o.end(mesh.AuditRecord{}, refused(cause.Error()))
	case Appended:
		o.doubt, o.cause = true, errors.New("the log took it, and it was not folded here yet")
	case Unknown:
		o.doubt = true
	}
}

// folded hears of an entry that was folded here.
func (o *Order) folded(t Taken, record mesh.AuditRecord) {
	height := t.Out.Place.Height
	switch {
	case o.ended:
	case o.isOwn(t), o.raw != nil && height == o.height && bytes.Equal(o.raw, t.Raw):
		o.end(record, nil)
	case o.raw != nil && height >= o.height:
		// Another entry has the height: this one never will.
		o.raw, o.doubt, o.after = nil, false, 0
	}
}

// isOwn reports whether an entry has the signed command, whoever ordered it, and counts. If it
// does not, as one of a node whose clock is wrong, this one's own still may.
func (o *Order) isOwn(t Taken) bool {
	return len(o.of) > 0 && bytes.Equal(o.of, t.Out.Order.CommitID) && t.Out.Order.Outcome.Verdict != mesh.VerdictRejected
}

func (o *Order) end(record mesh.AuditRecord, err error) Step {
	o.ended, o.record, o.err = true, record, err
	return Step{Ended: true}
}

// Result returns the audit record that an order left here once it has ended, or why there is
// none: a *rules.Rejection if nothing was ordered, or an *UnknownError if that is not known.
func (o *Order) Result() (mesh.AuditRecord, error) { return o.record, o.err }

// GiveUp has the order end with the next step, since nobody waits for it any more.
func (o *Order) GiveUp(now mesh.Time) { o.until = min(o.until, now) }

// End has the follower forget an order: it has ended, or nobody waits for it any more.
func (o *Order) End() {
	o.ended = true
	o.f.orders = slices.DeleteFunc(o.f.orders, func(other *Order) bool { return other == o })
}

// Reachable returns why nothing can be ordered now; nil if it can.
func (f *Follower) Reachable() error {
	_, member := f.state.Member(f.node)
	first, missed := f.Missed()
	switch {
	case missed:
		return unreachable(fmt.Sprintf("the log begins at height %d, behind this node's record, and a checkpoint to go on from is fetched", first))
	case !member:
		return rules.Reject(KindNoMember, "this node is no member of the mesh: %s", f.WhyNotMember())
	case f.frozen != "":
		return rules.Reject(KindFrozen, "this node folds nothing of the log of the mesh any more: %s", f.frozen)
	case f.differs != nil:
		return rules.Reject(KindDiffers, "%s", f.Differs())
	case f.link == nil:
		return unreachable("the mesh plugin is not linked; `meshos plugin list` shows it")
	case !f.link.GetQuorum():
		why := f.link.GetError()
		if why == "" {
			why = "too few seeds answer"
		}
		return unreachable(why)
	}
	return nil
}

// WhyNotMember returns why the node is no member, for people.
func (f *Follower) WhyNotMember() string {
	switch {
	case f.state.Height() == 0:
		return "it has not joined yet; `meshos mesh status` says why"
	case f.joins:
		return "no seed has taken it in yet; `meshos mesh status` says why"
	}
	return "it was expelled; join again with a token that replaces it (meshos mesh token --replace)"
}
