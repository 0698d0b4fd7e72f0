package pluginsdk

import (
	"context"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// LocalityProbe measures round-trip times to the peers. A peer that did not answer has a
// sample with the reason in place of a time: "no answer" is a fact, while without a sample
// nothing is known. The slice of peers belongs to the probe,
// unless Info.SharedPeers is set. The host drops samples of other peers. Complete says that an answer has all peers.
type LocalityProbe interface {
	SampleRTT(ctx context.Context, peers []Peer) ([]RTTSample, error)
}

// HealthProbe reports the health of the peers. A peer whose health is unknown has no
// sample. Complete says that an answer has all peers.
type HealthProbe interface {
	SampleHealth(ctx context.Context, peers []Peer) ([]HealthSample, error)
}

// InventoryProbe reports the resources of nodes, usually of this one. A field that is not
// set is unknown, not zero. A fact without an age was measured just now: a probe that answers
// from memory returns Facts.Sample, which has the ages. Complete says that an answer has all
// facts.
type InventoryProbe interface {
	SampleInventory(ctx context.Context) ([]*meshosv1.PeerInventory, error)
}

// PlacementScorer scores the holders of each chain of the view from 0 (worst) to 1 (best).
type PlacementScorer interface {
	Score(ctx context.Context, view View) ([]*meshosv1.ChainScore, error)
}

// StreamingScorer is a PlacementScorer that hands its scores over part by part, so that it
// does not hold those of very many chains at once. The order of the chains does not matter;
// that of the view costs the least. send must be called from the goroutine of StreamScores
// only, and does not keep the slice. When its error is not nil, return it. What was sent
// counts only if StreamScores returns nil. Of an instance that implements both, the host
// calls this.
type StreamingScorer interface {
	StreamScores(ctx context.Context, view View, send func([]*meshosv1.ChainScore) error) error
}

// View is what a scorer scores: all nodes, and all chains that this node leads, at one
// tick. It is shared between calls and must not be changed.
type View struct {
	// Version is the tick.
	Version uint64
	// Nodes is sorted by id, without duplicates.
	Nodes []*pluginv1.NodeView
	// Chains is sorted by id, without duplicates.
	Chains []*pluginv1.ChainView
}

// MigrationAborter stops migrations. It returns NotFound for a migration that is not
// running (the host takes that as success), FailedPrecondition for one that can't be
// stopped any more, and Unavailable if the call may succeed later.
type MigrationAborter interface {
	Abort(ctx context.Context, migration uint64, reason string) error
}

// MigrationSource lists the migrations that are running.
type MigrationSource interface {
	ListMigrations(ctx context.Context) ([]*meshosv1.MigrationView, error)
}

// ChainAppender stores records durably and in order before it returns nil. The host sends
// a batch again when it does not know whether the batch was stored, so the appender
// skips records that it has stored already: same kind of record, epoch and seq.
type ChainAppender interface {
	Append(ctx context.Context, records []*meshosv1.Record) error
}

// Actuator carries out one action. It returns events that describe what has changed, and
// the node's loop applies them. An action that is tried again has the same id.
// UnavailableAfter asks for another try; any other error is final.
type Actuator interface {
	Dispatch(ctx context.Context, id uint64, action *meshosv1.Action) ([]*meshosv1.Event, error)
}

// EventSource sends events to the node's loop. Events runs until its context ends: when
// the host goes away, when the plugin ends, or when a new configuration replaces the
// instance. After a replacement the host calls Events of the new instance. After an
// error it calls Events again. After a nil return it calls Events again only when the
// process or the configuration is a new one.
//
// send must be called from the goroutine of Events only. It blocks while the host is
// behind. A nil return does not mean that the host has received the events.
type EventSource interface {
	Events(ctx context.Context, send func([]*meshosv1.Event) error) error
}

// RecoveryHandler moves slots whose placement failed to other nodes. The host calls it
// once a tick with the nodes that are healthy. It returns the slots that it moved, and
// events for the node's loop.
type RecoveryHandler interface {
	Recover(ctx context.Context, healthy []uint64) (slots []uint32, events []*meshosv1.Event, err error)
}

// ControlSink receives what supervised daemons should know, such as the start of a drain.
type ControlSink interface {
	Deliver(ctx context.Context, event *pluginv1.ControlEvent) error
}

// Runner is an optional interface of an instance for background work. Run starts after
// the constructor has returned. Its context ends when the instance is replaced or the
// plugin ends; then Run should return soon. A nil return before that means that the
// work is done. An error means that the instance is broken: it is logged, and every
// call fails with it until there is a new configuration.
type Runner interface {
	Run(ctx context.Context) error
}

// PeerWatcher is an optional interface of a probe's instance. SetPeers is called before
// the first call of the probe, and again whenever the peers change, also while a call or
// Run is running. The slice belongs to the instance. Plugins that serve no probe get no
// peers.
type PeerWatcher interface {
	SetPeers(peers []Peer)
}

// NowProber is an optional interface of a probe's instance. ProbeNow makes one round of
// measurements of one peer at once, beside those that the probe makes anyway, for an
// operator who waits for it (meshos probe). A peer that does not answer is a result, not an
// error. It returns FailedPrecondition if there is nothing of this peer that it could
// measure. It must return when its context ends, and may be called several times at once.
type NowProber interface {
	ProbeNow(ctx context.Context, peer Peer, ask ProbeRequest) (ProbeResult, error)
}

// Warner is an optional interface of an instance. Warnings returns what an operator should
// know about a configuration that is valid. It is called once, after the constructor.
type Warner interface {
	Warnings() []string
}

// Validator is an optional interface of a configuration struct, or of a pointer to it, for
// checks that tags can't express, such as those of several fields together. Validate is
// also called when a configuration is only checked, so it must not change anything. Each
// error that errors.Join has joined counts as a mistake of its own.
type Validator interface {
	Validate() error
}
