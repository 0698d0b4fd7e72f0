package pluginsdk

import (
	"context"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Every call has a deadline in its context, a little before its caller leaves. An
// error means that the plugin could not do its work: a target that is down is an
// answer, not an error. Calls may come at the same time, from several goroutines.

// LocalityProbe measures round-trip times. A peer without an answer has no
// sample. The peers are the caller's copy; ids that it does not name are dropped
// by the host.
type LocalityProbe interface {
	SampleRTT(ctx context.Context, peers []Peer) ([]RTTSample, error)
}

// HealthProbe tells how the peers do. A peer it knows nothing of has no sample.
type HealthProbe interface {
	SampleHealth(ctx context.Context, peers []Peer) ([]HealthSample, error)
}

// InventoryProbe tells what nodes have: usually this one. A field that is not set
// is unknown, not zero.
type InventoryProbe interface {
	SampleInventory(ctx context.Context) ([]*meshosv1.PeerInventory, error)
}

// PlacementScorer scores the holders of each chain of the view, 0 … 1. The view
// is whole and of one tick; it must not be changed.
type PlacementScorer interface {
	Score(ctx context.Context, view View) ([]*meshosv1.ChainScore, error)
}

// View is what a scorer scores: every node and every chain that this node leads.
// It is shared and must not be changed.
type View struct {
	// Version is the tick whose view this is.
	Version uint64
	// Nodes is sorted by id, without duplicates.
	Nodes []*pluginv1.NodeView
	// Chains is sorted by id, without duplicates.
	Chains []*pluginv1.ChainView
}

// MigrationAborter stops migrations. NotFound says that there is none (which is
// what the caller wanted), FailedPrecondition that it is past the point of no
// return, Unavailable that it may be tried again.
type MigrationAborter interface {
	Abort(ctx context.Context, migration uint64, reason string) error
}

// MigrationSource lists the migrations that are under way.
type MigrationSource interface {
	ListMigrations(ctx context.Context) ([]*meshosv1.MigrationView, error)
}

// ChainAppender stores records durably, in order, before it returns nil. A batch
// comes again when its answer was lost: a record that is held already (same kind
// of record, epoch and seq) is skipped.
type ChainAppender interface {
	Append(ctx context.Context, records []*meshosv1.Record) error
}

// Actuator carries out one action; the events it returns are fed to the node's
// loop. The id is the same when an action is tried again. UnavailableAfter asks
// for a later try; any other error is final.
type Actuator interface {
	Dispatch(ctx context.Context, id uint64, action *meshosv1.Action) ([]*meshosv1.Event, error)
}

// EventSource feeds events to the node's loop. Events runs until its context
// ends, which it does when the host goes away, the plugin ends, or a new
// configuration replaces the instance; then the new instance's Events goes on. A
// nil return ends the stream until there is another process or configuration; after
// an error the host calls again. send is for the calling goroutine only, and blocks
// while the host is behind; that it returned does not say that the host has heard.
type EventSource interface {
	Events(ctx context.Context, send func([]*meshosv1.Event) error) error
}

// RecoveryHandler re-places slots that a failed placement left unhealthy, once a
// tick, given the healthy nodes.
type RecoveryHandler interface {
	Recover(ctx context.Context, healthy []uint64) (slots []uint32, events []*meshosv1.Event, err error)
}

// ControlSink is told what supervised daemons should know.
type ControlSink interface {
	Deliver(ctx context.Context, event *pluginv1.ControlEvent) error
}

// Runner is an optional interface of an instance: background work. Run is started
// after construction, and its context ends when the instance is replaced or the
// plugin ends; it should return soon then, and is waited for. A nil return before
// that means that there is nothing more to do; an error, that the instance is
// broken: it is logged, and every call fails with it until a new configuration.
type Runner interface {
	Run(ctx context.Context) error
}

// PeerWatcher is an optional interface of a probe's instance: SetPeers is told the
// peers before the first sample is asked for, and again whenever they change. It may
// come while a call or Run is under way; the slice is the instance's to keep. Hosts
// tell plugins that serve none of the probe kinds nothing about peers.
type PeerWatcher interface {
	SetPeers(peers []Peer)
}

// Warner is an optional interface of an instance: what an operator should know
// about a configuration that is valid. It is asked once, after construction.
type Warner interface {
	Warnings() []string
}

// Validator is an optional interface of a configuration (or a pointer to it): the
// checks that tags can't say, such as those across fields. It is also asked when
// a configuration is only checked, so it must not touch the world. An error made
// by errors.Join counts as several mistakes.
type Validator interface {
	Validate() error
}
