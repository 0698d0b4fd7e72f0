package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// watcherPatience is how long a watcher may take to do what it is asked for, or to report
	// an end. It does both at once, unless it hangs or was stopped; then it is replaced.
	watcherPatience = 5 * time.Second
	// watcherPause is how long after the end of a watcher the next is started, if that ended
	// at once as well.
	watcherPause = time.Second
	// closeWait is how long a watcher may take to end everything. It takes longer only for
	// what hangs in the kernel.
	closeWait = 2 * time.Second
)

// WatchOptions are what a watched Spawner works with.
type WatchOptions struct {
	// Record is the file that names the lasting processes, for the next Spawner.
	Record string
	// Program is what the watcher and its helpers execute: one that imports this package. nil is
	// our own binary. The caller closes it after the Spawner.
	Program *Program
	Log     *slog.Logger // required
}

// NewWatched returns a Spawner whose processes are children of a watcher: a process of our
// own binary that ends them all, and whatever descends from them, when this process is gone.
// If the watcher is killed another takes its place. First it kills what is left of an earlier
// Spawner with the same record. Close it.
func NewWatched(o WatchOptions) (*Spawner, error) {
	w := &watchedForker{record: &record{path: o.Record, log: o.Log}, program: o.Program, log: o.Log, children: make(map[uint64]*watchedChild), closed: make(chan struct{}), up: make(chan struct{})}
	w.record.sweep()
	if err := w.begin(); err != nil {
		return nil, fmt.Errorf("the process that watches over plugins and checks: %w", err)
	}
	w.running.Go(w.run)
	return &Spawner{forker: w}, nil
}

// watchedForker has a watcher fork.
type watchedForker struct {
	record  *record
	program *Program // nil for our own binary
	log     *slog.Logger
	running sync.WaitGroup
	closed  chan struct{}
	once    sync.Once

	mu       sync.Mutex
	proc     *os.Process // the watcher
	conn     *messages
	up       chan struct{} // closed while there is a watcher
	last     uint64
	children map[uint64]*watchedChild // started, or asked for
	orphans  []Identity               // that the watcher has, as far as it is known
	strays   []Identity               // orphans of earlier watchers
}

// begin starts a watcher, and hands it what the one before had started.
func (w *watchedForker) begin() error {
	conn, theirs, err := newMessages("watcher")
	if err != nil {
		return err
	}
	defer theirs.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		conn.close()
		return err
	}
	defer null.Close()
	path, name, free, err := w.program.startable()
	if err != nil {
		conn.close()
		return err
	}
	defer free()
	// The first message is there before the watcher is, so that it knows of what runs even if this
	// process is killed right now.
	first, rest := w.adoptions()
	w.adopt(conn, first)
	hideDescriptors()
	proc, err := os.StartProcess(path, []string{name, WatcherCommand}, &os.ProcAttr{
		Dir: "/", Env: []string{"GOMAXPROCS=1"}, Files: []*os.File{null, null, null, theirs},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		conn.close()
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.closed:
		conn.close()
		_ = proc.Kill()
		_, _ = proc.Wait()
		return ErrSpawnerClosed
	default:
	}
	w.proc, w.conn = proc, conn
	for _, ids := range rest {
		w.adopt(conn, ids)
	}
	if id, err := Identify(proc.Pid); err == nil {
		w.record.setWatcher(id)
	}
	close(w.up)
	return nil
}

// run listens to the watcher, and replaces it when it ends.
func (w *watchedForker) run() {
	for {
		began := time.Now()
		w.listen()
		w.mu.Lock()
		proc, conn := w.proc, w.conn
		w.mu.Unlock()
		select {
		case <-w.closed:
			_, _ = proc.Wait()
			conn.close()
			return
		default:
		}
		_ = proc.Kill() // it may have closed the connection only
		conn.close()
		_, _ = proc.Wait()
		w.orphan()
		w.log.Error("the process that watches over plugins and checks was killed; another takes its place", "pid", proc.Pid)
		for pause := watcherPause - time.Since(began); ; pause = watcherPause {
			if !w.sleep(pause) {
				return
			}
			err := w.begin()
			if err == nil {
				break
			}
			w.log.Error("no process watches over plugins and checks", "error", err)
		}
	}
}

// sleep waits; false if the Spawner was closed.
func (w *watchedForker) sleep(d time.Duration) bool {
	timer := time.NewTimer(max(0, d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.closed:
		return false
	}
}

// listen takes the reports of a watcher until its connection ends.
func (w *watchedForker) listen() {
	w.mu.Lock()
	conn := w.conn
	w.mu.Unlock()
	message, oob := make([]byte, 64<<10), make([]byte, unix.CmsgSpace(4))
	for {
		n, oobn, err := conn.receive(message, oob)
		if err != nil || n == 0 {
			return
		}
		files := received(oob[:oobn])
		var r report
		if err := json.Unmarshal(message[:n], &r); err == nil {
			files = w.take(r, files)
		}
		for _, f := range files {
			_ = f.Close()
		}
	}
}

// take takes a report, and returns the descriptors that it did not need.
func (w *watchedForker) take(r report, files []*os.File) []*os.File {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.Orphans != nil {
		w.orphans = *r.Orphans
		w.record.setOrphans(slices.Concat(w.strays, w.orphans))
	}
	c := w.children[r.ID]
	if c == nil {
		return files
	}
	switch {
	case r.Exit != nil:
		w.forget(r.ID, c)
		c.exited <- *r.Exit
	case r.Error != "" || len(files) == 0:
		delete(w.children, r.ID)
		c.started <- errors.New(r.Error)
	default:
		c.handle = handleOf(files[0], r.Child)
		files = files[1:]
		if c.lasting {
			w.record.add(r.Child)
		}
		if c.givenUp {
			_ = c.signal(syscall.SIGKILL)
			c.handle.Close()
		}
		c.started <- nil
	}
	return files
}

// forget is called with mu held.
func (w *watchedForker) forget(id uint64, c *watchedChild) {
	if w.children[id] == nil {
		return
	}
	delete(w.children, id)
	if c.lasting && c.handle != nil {
		w.record.remove(c.handle.id)
	}
}

// replace kills a watcher that does not do its work, if it is still the present one.
func (w *watchedForker) replace(conn *messages) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn == conn {
		_ = w.proc.Kill()
		conn.close()
	}
}

// close has the watcher end everything, and waits for it, but no longer than it may take.
func (w *watchedForker) close() {
	w.once.Do(func() {
		w.mu.Lock()
		close(w.closed)
		w.conn.closeWrite() // it still reports how they end
		proc := w.proc
		w.mu.Unlock()
		late := time.AfterFunc(closeWait, func() { _ = proc.Kill() }) // what is left by then can't be killed
		defer late.Stop()
		w.running.Wait()
		w.mu.Lock()
		for _, c := range w.children { // reports that nobody read any more
			if c.handle != nil {
				c.orphan()
			}
		}
		w.mu.Unlock()
		w.record.close()
	})
}
