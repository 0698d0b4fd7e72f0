package daemon

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/readfile"
)

// maxFiles bounds how many of the files that a command names are watched.
const maxFiles = 8

// files are the files that a command names, as they were at one moment: its program, and the
// arguments that are absolute paths, such as a script.
type files map[string]readfile.Info

// look returns what the files are now; ok is false if a file system does not answer, or if
// somebody writes one of them.
func (f files) look(ctx context.Context) (now files, ok bool) {
	now = make(files, len(f))
	for path := range f {
		info, err := readfile.Examine(ctx, path, lookWithin)
		if isHung(err) || ctx.Err() != nil || info.Written {
			return nil, false
		}
		now[path] = info // the zero value if it is gone
	}
	return now, true
}

func (f files) equal(other files) bool {
	for path, info := range f {
		if o, known := other[path]; !known || o.Inode != info.Inode || o.Size != info.Size || o.Mode != info.Mode || !o.ModTime.Equal(info.ModTime) {
			return false
		}
	}
	return len(f) == len(other)
}

// filesOf returns the files that a command names, as they are now; nil if that can't be said.
func filesOf(ctx context.Context, program string, args []string) files {
	all := files{program: {}}
	for _, arg := range args {
		if len(all) < maxFiles && strings.HasPrefix(arg, "/") {
			all[filepath.Clean(arg)] = readfile.Info{}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	now, _ := all.look(ctx)
	return now
}

// isLocal reports whether a folder is known to be on a file system that needs nobody else.
func isLocal(ctx context.Context, dir string) bool {
	info, err := readfile.Look(ctx, dir, lookWithin)
	return err == nil && info.Local
}

// fallen is a daemon that crashed and does not run. If one of its files is replaced, it is not
// kept waiting for that.
type fallen struct {
	started files // at its last start
	last    files // at the last look
}

// fell has the files of a daemon watched, which has crashed.
func (m *Manager) fell(r *run) {
	if r.files == nil { // an earlier run of the node started it
		if p, err := r.spec.process(m.ctx, r.spec.Command, surroundings{}); err == nil {
			r.files = filesOf(m.ctx, p.Path, p.Args)
		}
	}
	if r.files == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopping {
		return
	}
	m.fallen[r.spec.Daemon.ID] = &fallen{started: r.files, last: r.files}
	m.keepLooking()
}

// lookReplaced publishes which of the daemons that crashed have other files than at their last
// start, and the same as at the look before: a file that is still being written is left alone.
func (m *Manager) lookReplaced() {
	m.mu.Lock()
	all := make(map[mesh.DaemonID]*fallen, len(m.fallen))
	for id, f := range m.fallen {
		all[id] = f
	}
	m.mu.Unlock()
	for id, f := range all {
		now, ok := f.started.look(m.ctx)
		if !ok {
			continue
		}
		same := now.equal(f.last)
		f.last = now // only lookAgain uses it
		if !same || now.equal(f.started) {
			continue
		}
		m.mu.Lock()
		spec, known := m.specs[id]
		if known && m.fallen[id] == f && m.runs[id] == nil && m.opts.Events.TryPublish(mesh.DaemonReplaced{Daemon: spec.Daemon}) == nil {
			delete(m.fallen, id)
			m.opts.Log.Info("the program of a daemon that crashed was replaced: it is started without waiting", "daemon", spec.Daemon)
		}
		m.mu.Unlock()
	}
}
