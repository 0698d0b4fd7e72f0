package daemon

import (
	"errors"
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
	var gone *folderGoneError
	for {
		done, open, err := r.followFiles(gone)
		if gone = nil; errors.As(err, &gone) {
			continue
		}
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

// folderGoneError means that somebody removed or moved the folder of the output: the daemon's shim
// makes another.
type folderGoneError struct{ at spool.Position } // where to go on

// Error implements error.
func (*folderGoneError) Error() string { return "the folder of the output was removed" }

// followFiles is follow. It goes on after gone, if that is not nil. If the files can't be opened, it returns an error, after a while: open
// reports that the daemon still runs then.
func (r *run) followFiles(gone *folderGoneError) (done, open bool, err error) {
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
	if gone != nil {
		at = gone.at
	}
	reader := spool.NewReader(r.folder.Output(), at)
	defer reader.Close()
	done, err = r.followReader(reader, to, wake)
	return done, true, err
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

// followReader is follow for a folder that exists. The error is a *folderGoneError.
func (r *run) followReader(reader *spool.Reader, to *delivered, wake <-chan struct{}) (done bool, err error) {
	flush := time.NewTimer(time.Hour)
	defer flush.Stop()
	for last, gone := false, false; ; {
		if !r.read(reader, to) {
			return false, nil
		}
		if last {
			r.out.flush()
			return true, nil
		}
		if gone {
			return false, &folderGoneError{reader.Position()}
		}
		if at, ok := r.out.flushAt(); ok {
			flush.Reset(time.Until(at))
		} else {
			flush.Stop()
		}
		select {
		case _, there := <-wake:
			gone = !there
		case <-flush.C:
			r.out.flush()
		case <-r.ended:
			last = true // the shim has stored everything by now
		case <-r.m.ctx.Done():
			return false, nil
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
