package meshlink

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Plugin is a mesh plugin, as the catalog has it.
type Plugin interface {
	Name() string
	// Renewed returns a channel that is closed once the plugin has another process or
	// configuration: then it has forgotten all that it was told.
	Renewed() <-chan struct{}
	SetMembers(ctx context.Context, members *pluginv1.SetMembersRequest) error
	Follow(ctx context.Context, from *pluginv1.FollowRequest, take func(context.Context, *pluginv1.MeshBatch) error) error
	Order(ctx context.Context, order *pluginv1.OrderRequest) error
	Tell(ctx context.Context, said *pluginv1.TellRequest) error
	Ask(ctx context.Context, question *pluginv1.AskRequest, take func(ctx context.Context, response []byte) error) error
	Serve(ctx context.Context, run func(ctx context.Context, receive func() (*pluginv1.ServedQuestion, error), send func(*pluginv1.ServedAnswer) error) error) error
	Join(ctx context.Context, joining []byte) error
}

// Record is this node's record of the ordered log, and what follows from it. Its methods are
// called from several goroutines; only Take may wait.
type Record interface {
	// End returns where the record ends.
	End() (height uint64, head []byte)
	// First returns the height of the first entry that the record still has.
	First() uint64
	// Begun returns a channel that is closed when the record goes on elsewhere than where it ended.
	// To miss nothing, call it before End.
	Begun() <-chan struct{}
	// Take records and folds entries that follow the end, in order. It returns once they are on
	// disk and folded. After an error the log is followed anew from the end of the record.
	Take(ctx context.Context, entries []*meshosv1.LoggedEntry) error
	// Members returns who belongs to the mesh, and Changed a channel that is closed when
	// Members has another answer. To miss none, call Changed first.
	Members() *pluginv1.SetMembersRequest
	Changed() <-chan struct{}
	// Joining hears of nodes that want to become members.
	Joining(encoded [][]byte)
	// Linked hears how this node is linked, and where others see the end of the log.
	Linked(link *meshosv1.MeshLink)
	// Complete adds to what this node says of itself what follows from the log: height,
	// admin_state, signers, here and log_frozen.
	Complete(self *meshosv1.NodeSummary)
	// Heard hears what another member says of itself.
	Heard(node mesh.NodeID, said *meshosv1.NodeSummary)
}

// Server answers the questions of other nodes.
type Server interface {
	// Serve makes a call of this node's Host service for another node, and sends each message
	// of its answer. The error has a gRPC status.
	Serve(ctx context.Context, from uint64, method string, request []byte, send func(response []byte) error) error
}

// Options is what a Link works with. All are required.
type Options struct {
	Node   mesh.NodeID
	Record Record
	// Source is what this node says of itself comes from.
	Source follow.Source
	Self   Self
	// MayKnow returns why the node has no room for another peer; nil if it has.
	MayKnow func(ctx context.Context, node mesh.NodeID) error
	Keeper  Keeper
	// Report records a failure; it does not wait.
	Report func(source, reason string)
	Log    *slog.Logger
}

// Hooks are what a running Link works with.
type Hooks struct {
	// Announce brings what the mesh says of other nodes to the loop. It waits until ctx ends.
	Announce func(ctx context.Context, said mesh.PeersAnnounced) error
	Server   Server
}

// Link is the conversation with the mesh plugin. It is safe for concurrent use.
type Link struct {
	opts   Options
	peers  *peers
	server Server // set by Run

	asked, served endCounts

	mu        sync.Mutex
	plugin    Plugin
	installed chan struct{} // closed when plugin is another one
	link      *meshosv1.MeshLink
	linkedAt  time.Time // when link was said
	outages   map[string]bool
	leaving   chan struct{} // closed when the node ends in order
	left      chan struct{} // closed when the others were told
	end       sync.Once
	asking    chan struct{} // has a token for each question under way
}

// New returns a Link without a plugin.
func New(o Options) *Link {
	return &Link{
		opts: o, peers: newPeers(o), installed: make(chan struct{}), outages: make(map[string]bool),
		leaving: make(chan struct{}), left: make(chan struct{}), asking: make(chan struct{}, askedAtOnce),
	}
}

// Install has the Link talk with this plugin; nil for none.
func (l *Link) Install(p Plugin) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.plugin == nil && p == nil || l.plugin != nil && p != nil && l.plugin.Name() == p.Name() {
		return
	}
	l.plugin = p
	close(l.installed)
	l.installed = make(chan struct{})
}

// current returns the plugin, and a channel that is closed when it is another one.
func (l *Link) current() (Plugin, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.plugin, l.installed
}

// What is meant by the errors of a plugin. Its binding marks them.
var (
	// ErrAway: the plugin is not ready. The catalog reports why.
	ErrAway = errors.New("the mesh plugin is not ready")
	// ErrAborted: another entry has this height; nothing was appended.
	ErrAborted = errors.New("another entry was first")
	// ErrNoQuorum: nothing was appended, since this node reaches no quorum of the seeds.
	ErrNoQuorum = errors.New("no quorum of the seeds is reached")
	// ErrRefused: nothing was appended, since the log refuses the entry, as one that is full does.
	ErrRefused = errors.New("the log refuses it")
	// ErrUnknown: the entry may have been appended, or not; the log shows it.
	ErrUnknown = errors.New("it is not known whether the log has it")
)

// ErrNoPlugin means that no mesh plugin is configured, or none was ready yet.
var ErrNoPlugin = errors.New("this node has no mesh plugin that runs; `meshos plugin list` shows what is configured")

// Order appends an entry to the ordered log: see Plugin. Without a plugin the error is
// ErrNoPlugin, and nothing was appended.
func (l *Link) Order(ctx context.Context, order *pluginv1.OrderRequest) error {
	p, _ := l.current()
	if p == nil {
		return ErrNoPlugin
	}
	return p.Order(ctx, order)
}

// Join hands in what this node signed to become a member.
func (l *Link) Join(ctx context.Context, joining []byte) error {
	p, _ := l.current()
	if p == nil {
		return ErrNoPlugin
	}
	return p.Join(ctx, joining)
}

// Linked returns how this node is linked and when the plugin said so; nil while it said
// nothing. It must not be written to.
func (l *Link) Linked() (link *meshosv1.MeshLink, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.link, l.linkedAt
}

// setLink notes how this node is linked.
func (l *Link) setLink(link *meshosv1.MeshLink) {
	l.mu.Lock()
	l.link, l.linkedAt = link, time.Now()
	l.mu.Unlock()
	l.opts.Record.Linked(link)
}

// Record returns the record of the ordered log.
func (l *Link) Record() Record { return l.opts.Record }

// Used reports whether there is a mesh plugin.
func (l *Link) Used() bool {
	p, _ := l.current()
	return p != nil
}

// Run talks with the plugin until ctx ends, and waits for all that it began. It may be called
// once.
func (l *Link) Run(ctx context.Context, h Hooks) {
	l.server = h.Server
	var announcing sync.WaitGroup
	announcing.Go(func() { l.peers.run(ctx, h.Announce) })
	announcing.Go(func() { l.peers.write(ctx) })
	defer announcing.Wait()
	for ctx.Err() == nil {
		plugin, other := l.current()
		if plugin == nil {
			select {
			case <-other:
			case <-ctx.Done():
			case <-l.leaving:
				l.noteLeft()
				<-ctx.Done()
			}
			continue
		}
		talking, stop := context.WithCancel(ctx)
		replaced := make(chan struct{})
		go func() {
			defer close(replaced)
			select {
			case <-other:
				stop()
			case <-talking.Done():
			}
		}()
		l.talk(talking, plugin)
		stop()
		<-replaced
	}
}

// Leave says to the others that this node ends in order, and waits until that is said, or
// until ctx ends. Nothing is said of it afterwards.
func (l *Link) Leave(ctx context.Context) {
	l.end.Do(func() { close(l.leaving) })
	select {
	case <-l.left:
	case <-ctx.Done():
	}
}

// noteLeft notes that nothing more has to be said.
func (l *Link) noteLeft() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.left:
	default:
		close(l.left)
	}
}
