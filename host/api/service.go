package api

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Intake accepts what clients publish. Both methods wait while its queues are full, until
// ctx is done; any other error means that the loop has ended.
type Intake interface {
	// PublishBatch queues events in order and returns how many it queued, and which it
	// refused.
	PublishBatch(ctx context.Context, events []mesh.Event) (mesh.Published, error)
	// Commit judges a signed command, even one that can't be decoded, has the loop apply
	// it, and returns its audit record. Once the command is judged, Commit no longer
	// depends on ctx.
	Commit(ctx context.Context, signed wire.Signed) (mesh.AuditRecord, error)
	// Recover does so with what the seeds of a mesh signed to replace who commands it.
	Recover(ctx context.Context, signed wire.Recovery) (mesh.AuditRecord, error)
}

// Simulate returns what a break-glass command would do, the hash of that, and what the
// command would have to wait for. The error means that the event can't be simulated, and
// goes to the client.
type Simulate func(ev mesh.AdminEvent) (*hostv1.SimulateResponse, error)

// Chains returns what the chains of the mesh are, by id; also those that were deleted. They must
// not be written to.
type Chains func() []*meshosv1.SetChain

// Operators returns who may command the node, without the node's id and name. With compare
// it reads the file of signers, too.
type Operators func(compare bool) *hostv1.ListOperatorsResponse

// Durable waits until a record of this process, and all records before it in its chain,
// are on disk.
type Durable func(ctx context.Context, chain mesh.RecordChain, seq uint64) error

// Plugins describes the plugins of the node.
type Plugins interface {
	// Describe describes one plugin. The error means that no plugin has the name.
	Describe(name string) (*hostv1.PluginDetail, error)
	// Probe has all probes of peers measure one now. The error means that there is no such
	// peer.
	Probe(ctx context.Context, peer uint64, pathMTU bool) (*hostv1.ProbeResponse, error)
}

// Options configure a Service. All are required except those that may be nil or 0.
type Options struct {
	Reader      follow.Source
	Intake      Intake
	Simulate    Simulate
	Operators   Operators
	Durable     Durable // nil: Commit answers without waiting for the disk
	Records     Records // nil: tails begin with the records in memory
	Plugins     Plugins
	StateReader StateReader
	History     History // nil: there is no history of scores
	Names       Names   // nil: names of peers are not looked up
	Reload      Reload  // nil: the configuration can't be read again
	Origin      Origin  // nil: no plugin runs
	Ask         Ask     // nil: there is no mesh
	Chains      Chains  // nil: there is no mesh
	// Verified says that commands are verified: then the members of the socket's group may
	// send signed ones.
	Verified bool
	// Report records what operators should know: refused connections, and a socket that
	// was deleted. It does not wait. It may be nil.
	Report func(source, reason string)
	// WatchEvery is how often the file of the socket is looked at; 0 means a second.
	WatchEvery time.Duration
	// IdleAfter is how long a connection without a call is kept open; 0 means a minute.
	IdleAfter time.Duration
}

// Names returns in sentences what is known of the host names of a peer.
type Names func(peer mesh.NodeID) []string

// History describes how the scores of a chain changed; ok is false if it has none.
type History func(chain mesh.ChainID) (words string, ok bool)

// Service is the Host service of the contract.
type Service struct {
	hostv1.UnimplementedHostServer

	opts     Options
	refusals *reports
	newest   snapshotCache
	changes  deltaCache
	held     *heldPages
	probing  chan struct{}   // has a token for each call of Probe that runs
	stopping context.Context // done when streams must end
	stop     context.CancelFunc
	answered atomic.Uint64 // the newest audit record of a command that was answered
}

// NewService returns a service; Serve makes it reachable.
func NewService(opts Options) *Service {
	stopping, stop := context.WithCancel(context.Background())
	return &Service{opts: opts, refusals: newReports(opts.Report, time.Now), stopping: stopping, stop: stop, probing: make(chan struct{}, probesAtOnce), held: newHeldPages(time.Now)}
}

// DescribePlugin implements hostv1.HostServer.
func (s *Service) DescribePlugin(_ context.Context, in *hostv1.PluginRequest) (*hostv1.PluginDetail, error) {
	if in.GetName() == "" {
		return nil, status.Error(codes.InvalidArgument, "name: must be set")
	}
	detail, err := s.opts.Plugins.Describe(in.GetName())
	if err != nil {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	return detail, nil
}

// notYet returns the error of a call that this version does not implement.
func notYet(what string) error {
	return status.Error(codes.Unimplemented, what+" is not in this version of meshos")
}

// ReloadPlugin implements hostv1.HostServer.
func (s *Service) ReloadPlugin(context.Context, *hostv1.PluginRequest) (*meshosv1.PluginView, error) {
	return nil, notYet("reloading a plugin while the node runs")
}

// EnablePlugin implements hostv1.HostServer.
func (s *Service) EnablePlugin(context.Context, *hostv1.PluginRequest) (*meshosv1.PluginView, error) {
	return nil, notYet("enabling a plugin while the node runs")
}

// DisablePlugin implements hostv1.HostServer.
func (s *Service) DisablePlugin(context.Context, *hostv1.PluginRequest) (*meshosv1.PluginView, error) {
	return nil, notYet("disabling a plugin while the node runs")
}
