package daemon

import (
	"time"

	"github.com/meshos/meshos/host/daemon/spool"
	"github.com/meshos/meshos/host/mesh"
)

// follow carries what the daemon prints into the loop until the process has ended
// and everything was taken. It gives false when the Manager was closed before.
func (r *run) follow() bool {
	if err := r.folder.Make(); err != nil {
		return r.followNothing(err)
	}
	wake, remove, err := r.m.watcher().Add(r.folder.Output())
	if err != nil {
		return r.followNothing(err)
	}
	defer remove()
	cursor, at, err := spool.OpenCursor(r.folder.Cursor())
	if err != nil {
		return r.followNothing(err)
	}
	defer cursor.Close()
	reader := spool.NewReader(r.folder.Output(), at)
	defer reader.Close()

	held := time.NewTimer(time.Hour)
	defer held.Stop()
	for last := false; ; {
		if !r.read(reader, cursor) {
			return false
		}
		if last {
			r.out.end()
			return true
		}
		if at, ok := r.out.due(); ok {
			held.Reset(time.Until(at))
		} else {
			held.Stop()
		}
		select {
		case <-wake:
		case <-held.C:
			r.out.end()
		case <-r.ended:
			last = true // what was printed last is stored by now
		case <-r.m.ctx.Done():
			return false
		}
	}
}

// followNothing waits for the end of a daemon whose output can't be read.
func (r *run) followNothing(err error) bool {
	r.out.say(mesh.LevelWarn, "its output can't be read: %v", err)
	select {
	case <-r.ended:
		return true
	case <-r.m.ctx.Done():
		return false
	}
}

// read carries all there is for now, and remembers after each line how far it is. It
// gives false when lines are not taken any more.
func (r *run) read(reader *spool.Reader, cursor *spool.Cursor) bool {
	for {
		line, ok, err := reader.Next()
		if err != nil {
			r.out.say(mesh.LevelWarn, "its output can't be read: %v", err)
			return true
		}
		if !ok {
			return true
		}
		level, text := mesh.LevelInfo, line.Text
		switch line.Stream {
		case spool.Err:
			level = mesh.LevelWarn
		case spool.Note:
			level, text = mesh.LevelWarn, "meshos: "+text
		}
		if !r.out.line(level, text, line.At) {
			return false
		}
		if err := cursor.Save(reader.Position()); err != nil {
			r.m.opts.Log.Warn("lines of a daemon may come twice", "daemon", r.spec.Daemon, "error", err)
		}
	}
}
