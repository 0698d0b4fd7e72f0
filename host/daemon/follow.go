package daemon

import (
	"strconv"
	"time"

	"github.com/meshos/meshos/host/daemon/spool"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/unwritable"
)

// follow publishes what the daemon prints until the process has ended and the loop has taken
// all of it. It reports false if the Manager was closed before.
func (r *run) follow() bool {
	said := false
	for {
		done, open, err := r.followFiles()
		if err == nil {
			return done
		}
		if !said {
			r.out.note(mesh.LevelWarn, "its output can't be read: %v", err)
			said = true
		}
		if !open {
			return done
		}
	}
}

// readAgain is how often output that can't be read is tried again.
const readAgain = 2 * time.Second

// followFiles is follow. If the files can't be opened, it returns an error, after a while: open
// reports that the daemon still runs then.
func (r *run) followFiles() (done, open bool, err error) {
	if err := r.folder.Make(); err != nil && !unwritable.Is(err) {
		return r.awaitFiles(err)
	}
	wake, remove, err := r.m.watcher().Add(r.folder.Output())
	if err != nil {
		return r.awaitFiles(err)
	}
	defer remove()
	to := r.m.deliveredOf(r.spec.Daemon, r.folder)
	to.following.Lock()
	defer to.following.Unlock()
	at, err := to.open()
	if err != nil {
		return r.awaitFiles(err)
	}
	reader := spool.NewReader(r.folder.Output(), at)
	defer reader.Close()
	return r.followReader(reader, to, wake), true, nil
}

// awaitFiles waits for a while because of err, and no longer than the daemon runs.
func (r *run) awaitFiles(err error) (done, open bool, _ error) {
	timer := time.NewTimer(readAgain)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false, true, err
	case <-r.ended:
		return true, false, err
	case <-r.m.ctx.Done():
		return false, false, err
	}
}

func (r *run) followReader(reader *spool.Reader, to *delivered, wake <-chan struct{}) bool {
	flush := time.NewTimer(time.Hour)
	defer flush.Stop()
	for last := false; ; {
		if !r.read(reader, to) {
			return false
		}
		if last {
			r.out.flush()
			return true
		}
		if at, ok := r.out.flushAt(); ok {
			flush.Reset(time.Until(at))
		} else {
			flush.Stop()
		}
		select {
		case <-wake:
		case <-flush.C:
			r.out.flush()
		case <-r.ended:
			last = true // the shim has stored everything by now
		case <-r.m.ctx.Done():
			return false
		}
	}
}

// read publishes all lines that are there now. It reports false if the loop takes no more lines.
func (r *run) read(reader *spool.Reader, to *delivered) bool {
	for {
		if !r.m.unrecorded.wait(r.m.ctx) {
			return false
		}
		line, ok, err := reader.Next()
		if err != nil {
			r.out.note(mesh.LevelWarn, "its output can't be read: %v", err)
		}
		if err != nil || !ok {
			return true
		}
		logged, handled := r.log(line, to.place(reader.Position()))
		if !handled {
			return false
		}
		to.take(reader.Position(), logged)
	}
}

// log brings a line to the node's log. It reports whether it is logged, and whether it was
// handled; if not, call it again with the same line.
func (r *run) log(line spool.Line, place mesh.OutputPlace) (logged, handled bool) {
	level, text := mesh.LevelInfo, line.Text
	switch line.Stream {
	case spool.Err:
		level = mesh.LevelWarn
	case spool.Note:
		level, text = mesh.LevelWarn, "meshos: "+text
		r.sayShimStuck()
	case spool.Suppressed:
		n, err := strconv.ParseUint(text, 10, 64)
		return err == nil, err != nil || r.out.suppressedBefore(n, place)
	}
	return r.out.line(level, text, line.At, place)
}
