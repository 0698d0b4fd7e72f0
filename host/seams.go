package host

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/control"
	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
)

// tellEnd is how long control sinks have to take in that the node ends, or is drained,
// before daemons are stopped for it.
const tellEnd = 300 * time.Millisecond

// seams are the doors of plugins that act on the node or are told by it.
type seams struct {
	actuators *actuators
	sources   *sources
	control   *control.Announcer
}

// newSeams makes them for a node whose loop is there. Its catalog may come later.
func newSeams(n *node, now func() mesh.Time) *seams {
	e := &ear{
		out: n.publisher(),
		judge: func(signed wire.Signed) (mesh.JudgedCommit, error) {
			return n.judgeFrom(doorPlugins)(signed), nil
		},
		report: n.reports.add,
	}
	return &seams{
		actuators: newActuators(n.cfg, e, now, func() *catalog.Catalog { return n.catalog }),
		sources:   newSources(e, n.log),
		control: control.New(control.Options{
			DrainDeadline: n.cfg.Maintenance.DrainDeadline, Report: n.reports.add, Log: n.log,
		}),
	}
}

// run has sinks told of what the snapshots show, and ends the streams when ctx does.
func (s *seams) run(ctx context.Context, n *node) {
	s.control.Follow(ctx, n.loop.Reader())
	s.sources.close()
}

// end ends the telling. If what runs on the node ends with it, sinks are told
// before, with the grace that it has; 0 says that it goes on without the node.
func (s *seams) end(grace time.Duration) {
	if grace <= 0 {
		s.control.Close()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), tellEnd)
	defer cancel()
	s.control.Shutdown(ctx, grace)
}

// toldFirst has control sinks told of what makes a daemon stop before it is asked to.
type toldFirst struct {
	executor.Dispatcher
	control *control.Announcer
	now     func() mesh.Time
}

// Dispatch implements executor.Dispatcher. However many daemons stop at once, a sink
// that hangs costs the time of one.
func (d toldFirst) Dispatch(ctx context.Context, e mesh.Emitted) error {
	if _, stops := e.Action.(mesh.StopDaemon); stops {
		telling, cancel := context.WithTimeout(ctx, tellEnd-d.now().Since(e.At))
		defer cancel()
		d.control.WaitDelivered(telling, e.ID)
	}
	return d.Dispatcher.Dispatch(ctx, e)
}
