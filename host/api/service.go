package api

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Reader gives the node's published snapshots.
type Reader interface {
	// Latest is the newest snapshot, never nil.
	Latest() *snapshot.Snapshot
	// Changed is closed when a newer snapshot than the present one is published.
	Changed() <-chan struct{}
	// Done is closed when no newer snapshot will come.
	Done() <-chan struct{}
}

// Intake takes what clients publish. Both methods wait for room until ctx is done;
// any other error means that the loop has ended.
type Intake interface {
	// PublishBatch queues events in order and returns how many it queued.
	PublishBatch(ctx context.Context, events []mesh.Event) (int, error)
	// Commit judges a signed command, also bytes that are not one, has it folded and
	// returns the audit record that it left. Once the command is judged, Commit does
	// not depend on ctx any more.
	Commit(ctx context.Context, signed wire.Signed) (mesh.AuditRecord, error)
}

// Simulate says what a break-glass command would do, and its hash. The error is for
// the client: there is nothing to simulate.
type Simulate func(ev mesh.AdminEvent) (radius *meshosv1.BlastRadius, hash []byte, err error)

// Durable waits until a record of this process, and all before it, are on disk.
type Durable func(ctx context.Context, chain mesh.RecordChain, seq uint64) error

// Plugins knows the plugins of the node.
type Plugins interface {
	// Describe tells all about one. The error says that there is none of that name.
	Describe(name string) (*hostv1.PluginDetail, error)
}

// Options are what a Service works with. All but those that may be nil are needed.
type Options struct {
	Reader      Reader
	Intake      Intake
	Simulate    Simulate
	Durable     Durable // nil: a commit is answered without waiting for the disk
	Records     Records // nil: tails begin with what is in memory
	Plugins     Plugins
	StateReader StateReader
	History     History // nil: nothing is known of how scores went
	// IdleAfter is how long a connection without a call is kept; 0 for a minute.
	IdleAfter time.Duration
}

// History says how the scores of a chain went; ok is false where nothing is known.
type History func(chain mesh.ChainID) (words string, ok bool)

// Service is the Host service of the contract.
type Service struct {
	hostv1.UnimplementedHostServer

	opts     Options
	newest   snapshotCache
	stopping context.Context // done when streams must end
	stop     context.CancelFunc
}

// NewService returns a service; Serve makes it reachable.
func NewService(opts Options) *Service {
	stopping, stop := context.WithCancel(context.Background())
	return &Service{opts: opts, stopping: stopping, stop: stop}
}

// GetSnapshot implements hostv1.HostServer.
func (s *Service) GetSnapshot(context.Context, *hostv1.GetSnapshotRequest) (*meshosv1.Snapshot, error) {
	return wire.SnapshotToProto(s.opts.Reader.Latest()), nil
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
