// Package mirror writes what daemons print to the process's own log as well, for those who
// collect that: journald, a container's runtime.
//
// It reads snapshots, so it never holds up the loop: a line that was pushed out of the
// snapshot before it could be written is counted and not written. The node's records have
// it all the same.
package mirror

import (
	"context"
	"log/slog"
	"sort"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// Mirror follows the log of one node.
type Mirror struct {
	log *slog.Logger
	seq uint64 // of the newest record that was seen
}

// New returns a mirror that writes to log.
func New(log *slog.Logger) *Mirror { return &Mirror{log: log} }

// Run writes the lines of daemons until ctx ends, and those of the last snapshot then.
func (m *Mirror) Run(ctx context.Context, source follow.Source) {
	for s := range follow.Snapshots(ctx, source) {
		m.write(s)
	}
	m.write(source.Latest())
}

// write writes what a snapshot has that was not seen before.
func (m *Mirror) write(s *snapshot.Snapshot) {
	fresh := s.Logs[sort.Search(len(s.Logs), func(i int) bool { return s.Logs[i].Seq > m.seq }):]
	if len(fresh) == 0 {
		return
	}
	newest := fresh[len(fresh)-1].Seq
	lost := newest - m.seq - uint64(len(fresh))
	m.seq = newest
	if lost > 0 {
		m.log.Warn("lines of the node's log came faster than they could be mirrored; the records have them, see meshos logs", "lines", lost)
	}
	for _, line := range fresh {
		if line.Daemon == 0 || line.Source != "" { // the process's log has its own lines of plugins
			continue
		}
		attrs := []slog.Attr{slog.Uint64("daemon", uint64(line.Daemon))}
		if d, _ := s.Daemons.Get(line.Daemon); d.Daemon.Name != "" {
			attrs = append(attrs, slog.String("name", d.Daemon.Name))
		}
		m.log.LogAttrs(context.Background(), level(line.Level), line.Message, attrs...)
	}
}

func level(l mesh.LogLevel) slog.Level {
	switch l {
	case mesh.LevelTrace, mesh.LevelDebug:
		return slog.LevelDebug
	case mesh.LevelWarn:
		return slog.LevelWarn
	case mesh.LevelError:
		return slog.LevelError
	case mesh.LevelInfo:
	}
	return slog.LevelInfo
}
