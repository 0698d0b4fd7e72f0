package host

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/meshos/meshos/host/datadir"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// decorate adds what the core does not know to a snapshot before it is published.
func (n *node) decorate(s *snapshot.Snapshot) {
	s.Plugins, s.Info = n.catalog.Views(), n.info()
	if view := n.meshView(s); view != nil {
		s.Mesh = view
	}
	s.Beside.Alarms = n.meshlog.Alarms()
	s.Scheduler = n.scoring.Scheduler(s)
	s.Beside.Unchecked = n.catalog.Unchecked()
	s.Unresolved, s.Beside.Nameless = n.unresolvedNames()
	if extras := n.daemons.Extras(); len(extras) > 0 {
		s.Beside.Daemons = make(map[mesh.DaemonID]snapshot.BesideDaemon, len(extras))
		for id, extra := range extras {
			s.Beside.Daemons[id] = snapshot.BesideDaemon{Left: extra.Left, Notes: extra.Notes}
		}
	}
	done := n.executor.Counters()
	s.Stats.Dispatched, s.Stats.Failed = done.Dispatched, done.Failed
	s.Stats.Deferred, s.Stats.Gated = done.Deferred, done.Gated
	s.Stats.DispatchRetries = done.DispatchRetries
	s.Stats.BackpressureAsserts, s.Stats.BackpressureReleases = done.BackpressureAsserts, done.BackpressureReleases
	s.Stats.AppendFailures = n.records.AppendFailures()
	n.capacity.Refused(func(_, _ string, refused uint64) { s.Stats.EventsRefused += refused })
}

// dataUnwritable returns why the data directory takes nothing now.
func (n *node) dataUnwritable() string {
	var wrong *datadir.UnwritableError
	if !errors.As(n.dataDir.Err(), &wrong) {
		return ""
	}
	why := wrong.Err
	if path := (*fs.PathError)(nil); errors.As(why, &path) {
		why = path.Err
	}
	return fmt.Sprintf("%s: %v", wrong.Dir, why)
}

// info returns what does not change from tick to tick.
func (n *node) info() *snapshot.Info {
	o := n.cfg.Operators
	refused := ""
	if err := n.operators.Unreadable(); err != nil {
		if cause := errors.Unwrap(err); cause != nil { // which names the file
			err = cause
		}
		refused = fmt.Sprintf("the signers file can't be read: %v", err)
	}
	return &snapshot.Info{
		Name: n.cfg.Node.Name, Cluster: n.cfg.Node.Cluster, Version: n.opts.Version,
		StartedAt: n.start, Uptime: time.Since(n.start), Operators: n.operators.Names(),
		Unsigned: o.Signers == "" || o.AllowUnsigned, Ordinary: max(1, o.Ordinary), BreakGlass: max(1, o.BreakGlass),
		OrdersRefused: refused, DataUnwritable: n.dataUnwritable(),
	}
}
