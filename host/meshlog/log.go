package meshlog

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/follower"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Options are what Open needs.
type Options struct {
	DataDir string // of the node; the record has a folder of its own in it
	Node    mesh.NodeID
	Name    string           // of the node
	Version string           // of its binary
	Now     func() time.Time // the wall clock
	Log     *slog.Logger
	// Report records a failure; it does not wait.
	Report func(source, reason string)
	// Folded is the height up to which the node's state of before the restart has the log, and
	// Audited the one up to which its audit log does.
	Folded, Audited uint64
	// KeepAge and KeepSize say how much is kept of what is before a checkpoint: what is older by
	// the time of the log, or too much, is dropped. 0 is no bound.
	KeepAge  time.Duration
	KeepSize int64
	FileSize int64 // from which on the record begins another file; 0: 4 MiB

	fs disk.FS // nil: the real folder
}

// Parts are the parts of the node that the log works with.
type Parts struct {
	// Key returns the node's own key.
	Key func() (Key, error)
	// Order appends an entry with the plugin; Join hands in a joining. Their errors are those of
	// host/meshlink, told apart by the functions below.
	Order func(context.Context, *pluginv1.OrderRequest) error
	Join  func(context.Context, []byte) error
	// Aborted, NoQuorum and Refused tell why Order failed; after any other error it is not known
	// what became of the entry.
	Aborted, NoQuorum, Refused func(error) bool
	// Fold hands a verdict to the loop, and returns once it is folded.
	Fold func(context.Context, mesh.JudgedCommit) (mesh.AuditRecord, error)
	// Commanded hears who may command the node from now on, and by which rules.
	Commanded func(rules.Policy, *signers.Set)
	// Ask asks any other node that is there, a seed if possible: see StoredMethod.
	Ask func(ctx context.Context, method string, take func([]byte) error) error
	// Kept returns up to which height what the log left on this node outlives its process.
	Kept func() uint64
	// Here returns what was ordered at the node's own door and holds, for people.
	Here func() []string
}

// Key is the key of a node.
type Key interface {
	cluster.Signer
	Keys() (own, link mesh.PublicKey, err error)
}

// Log is this node's part in the ordered log of a mesh. Open it, Restore and Install once, and
// Run it; any number of goroutines may use it.
type Log struct {
	opts  Options
	parts Parts
	later []Later

	ordered orderCounts

	start time.Time // times of the follower count from here

	taking    sync.Mutex    // held while entries are taken
	wake      chan struct{} // buffered: Run looks
	undeliver []follower.Taken
	unaudited []mesh.JudgedCommit // of the record, without an audit record
	unfolded  []mesh.JudgedCommit // in place of entries that this node never had
	kept      []byte              // the file of what a member needs, as it was written

	compacting compacting // of Run
	ask        time.Time  // of Run: when a base is asked for again

	saying   sync.Mutex
	reported map[string]bool // what was reported once

	mu           sync.Mutex
	follower     *follower.Follower
	state        *cluster.State // the follower's
	record       *record
	joining      *Token // nil: none
	members      *pluginv1.SetMembersRequest
	changed      chan struct{}                // closed when members is another one
	moved        chan struct{}                // closed when the orders of this node are to be looked at
	stands       bool                         // it is reported that nothing is folded any more
	filling      filling                      // of the log of the others
	sums         map[uint64]cluster.Hash      // own admin_state by height, the newest ones
	said         map[mesh.NodeID]saidState    // the last of others
	differs      map[mesh.NodeID]uint64       // since which height others differ
	asked        map[string]*meshosv1.Joining // to be ordered, by their encoding
	recent       map[string]mesh.AuditRecord  // of commands that were folded, by commit id
	recentIDs    []string                     // oldest first
	whyJoining   string                       // why it is no member yet
	notes        []string
	base         *cluster.Stored // from which the record goes on; nil: it begins with the first entry
	through      uint64          // the log needs nothing up to this height any more
	checkpointed bool            // there is one at which compact did not look yet
	begun        chan struct{}   // closed when the record goes on elsewhere
	whyBehind    string          // why it does not, although the log begins behind it
}

// Later is an input that the node's state does not have yet, with the time at which the entry
// was recorded.
type Later struct {
	Wall  time.Time
	Input mesh.Input
}

// Open reads the record of a node. A node that belongs to no mesh has none.
func Open(o Options) (*Log, error) {
	l := &Log{
		opts: o, start: time.Now(), wake: make(chan struct{}, 1), changed: make(chan struct{}), moved: make(chan struct{}), begun: make(chan struct{}),
		state: cluster.New(), sums: map[uint64]cluster.Hash{}, said: map[mesh.NodeID]saidState{}, differs: map[mesh.NodeID]uint64{},
		asked: map[string]*meshosv1.Joining{}, recent: map[string]mesh.AuditRecord{}, reported: map[string]bool{},
		filling: filling{fresh: math.MinInt64},
	}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("the log of the mesh: %w", err)
	}
	return l, nil
}

func (l *Log) open() error {
	var err error
	l.follower = follower.New(l.opts.Node, l.state, l.entry)
	l.follower.Jitter(func() time.Duration { return time.Duration(rand.Int64N(int64(retryWithin))) })
	if l.joining, err = readJoining(l.opts.DataDir); err != nil {
		return err
	}
	if l.joining != nil {
		l.follower.Expect(l.joining.Founding)
	}
	member, err := readToken(l.opts.DataDir, memberName)
	if err != nil { // only needed if the record is damaged, too; written anew if it is not
		l.opts.Log.Error("the log of the mesh", "problem", err)
	}
	fs := l.opts.fs
	if fs == nil {
		if fs, err = disk.Existing(Dir(l.opts.DataDir)); err != nil {
			if l.joining == nil && member == nil && isMissing(err) {
				return nil
			}
			if fs, err = disk.Open(Dir(l.opts.DataDir)); err != nil {
				return err
			}
		}
	}
	if l.record, err = openRecord(fs, l.opts.Now, l.opts.FileSize); err != nil {
		return err
	}
	if err := l.openBase(); err != nil {
		return err
	}
	now := l.opts.Now()
	notes, err := l.record.read(l.state, func(out cluster.Outcome, wall time.Time) {
		if out.Place.Height > l.opts.Folded {
			l.later = append(l.later, Later{wall, l.input(out, now)})
		}
		if out.Place.Height > l.opts.Audited {
			l.unaudited = append(l.unaudited, l.restored(out, now))
		}
	})
	if err != nil {
		return err
	}
	l.notes = append(l.notes, notes...)
	if l.base != nil {
		l.follower.GoOn(l.state)
		l.begins(l.record.begin())
	}
	l.recallMember(member)
	for _, note := range l.notes {
		l.opts.Log.Error("the log of the mesh", "folder", Dir(l.opts.DataDir), "problem", note)
	}
	l.follower.Said(l.state.Height())
	l.setMembers()
	l.keepMember()
	return nil
}

// Close closes the record. Nothing is lost if it is not called.
func (l *Log) Close() error {
	if l.record == nil {
		return nil
	}
	return l.record.chain.Close()
}

// Notes returns what was wrong with the record when it was read.
func (l *Log) Notes() []string { return l.notes }

// Later returns what the node's state of before the restart does not have, in order.
func (l *Log) Later() []Later { return l.later }

// Install tells the log of the parts that it works with, before anything else is called.
func (l *Log) Install(p Parts) {
	l.parts = p
	if l.state.Height() > 0 {
		l.commanded()
	}
}

// Used reports whether the node belongs to a mesh, or is about to.
func (l *Log) Used() bool { return l.record != nil }

// Active reports whether the node has a log, or fetches that of its mesh again: then commands go
// through it.
func (l *Log) Active() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.Height() > 0 || l.joining != nil && l.joining.Again
}

// commanded tells the node who may command it.
func (l *Log) commanded() {
	l.mu.Lock()
	policy, set := l.state.Policy(), (*signers.Set)(nil)
	set, _, _ = l.state.Signers()
	l.mu.Unlock()
	l.parts.Commanded(policy, set)
}

// input returns what the loop folds of an entry.
func (l *Log) input(out cluster.Outcome, now time.Time) mesh.JudgedCommit {
	in := out.Order
	in.Ordered.Mesh = true
	age := now.Sub(out.Place.At)
	in.Late = in.Event != nil && cluster.Momentary(in.Event) && age > l.state.Policy().Freshness
	return in
}

// restored returns of what an audit record is made that the process before left none of. What is
// done once was not: it ended before.
func (l *Log) restored(out cluster.Outcome, now time.Time) mesh.JudgedCommit {
	in := l.input(out, now)
	in.Restored, in.Late = true, in.Event != nil && cluster.Momentary(in.Event)
	return in
}

// End implements meshlink.Record.
func (l *Log) End() (height uint64, head []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.Height() == 0 {
		return 0, nil
	}
	h := l.state.Head()
	return l.state.Height(), h[:]
}

// Members implements meshlink.Record.
func (l *Log) Members() *pluginv1.SetMembersRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.members
}

// Chains returns the chains of the mesh, also deleted ones, as far as the log is known here.
func (l *Log) Chains() (chains []mesh.SetChain, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.Chains(), l.state.Height() > 0
}

// Changed implements meshlink.Record.
func (l *Log) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// setMembers makes the list of members anew. The caller holds mu, or nothing runs yet.
func (l *Log) setMembers() {
	out := &pluginv1.SetMembersRequest{DropThrough: l.through, First: l.follower.First()}
	for _, m := range l.state.Members() {
		out.Members = append(out.Members, &pluginv1.Member{Id: uint64(m.Node), Name: m.Name, LinkKey: slices.Clone(m.LinkKey[:]), Seed: m.Seed, Chains: m.Chains})
	}
	for _, c := range l.state.Chains() {
		out.Chains = append(out.Chains, wire.SetChainToProto(c))
	}
	if len(out.Members) == 0 && l.joining != nil {
		out.PinnedSeeds = l.joining.Pins
	}
	l.members = out
	close(l.changed)
	l.changed = make(chan struct{})
}

// entry returns an entry of the record, for the follower.
func (l *Log) entry(height uint64) (*meshosv1.LoggedEntry, error) { return l.record.entry(height) }

// now is the time as the follower counts it: no clock that is set moves it.
func (l *Log) now() mesh.Time { return mesh.Time(time.Since(l.start)) }

// stir has the orders of this node look again, and reports once if nothing is folded any more.
// The caller holds mu.
func (l *Log) stir() {
	close(l.moved)
	l.moved = make(chan struct{})
	if why, _ := l.follower.Frozen(); why != "" && !l.stands {
		l.stands = true
		l.opts.Report("mesh:log", "nothing of the log of the mesh is folded any more: "+why)
	}
}

// wakeUp has Run look at what there is to do.
func (l *Log) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// once reports something the first time that it is said.
func (l *Log) once(key, reason string) {
	l.saying.Lock()
	known := l.reported[key]
	if !known && len(l.reported) < 1000 {
		l.reported[key] = true
	}
	l.saying.Unlock()
	if !known {
		l.opts.Report("mesh:log", reason)
	}
}

// FreezeRemaining returns how long the freeze of the mesh lasts from a time on.
func (l *Log) FreezeRemaining(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.state.FrozenUntil().Sub(now))
}
