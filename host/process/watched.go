package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
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
)

// WatchOptions are what a watched Spawner works with.
type WatchOptions struct {
	// Record is the file that names the lasting processes, for the next Spawner.
	Record string
	Log    *slog.Logger // required
}

// NewWatched returns a Spawner whose processes are children of a watcher: a process of our
// own binary that ends them all, and whatever descends from them, when this process is gone.
// If the watcher is killed another takes its place. First it kills what is left of an earlier
// Spawner with the same record. Close it.
func NewWatched(o WatchOptions) (*Spawner, error) {
	w := &watchedForker{record: &record{path: o.Record, log: o.Log}, log: o.Log, children: make(map[uint64]*watchedChild), closed: make(chan struct{}), up: make(chan struct{})}
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
	log     *slog.Logger
	running sync.WaitGroup
	closed  chan struct{}
	once    sync.Once

	mu       sync.Mutex
	proc     *os.Process // the watcher
	conn     *net.UnixConn
	up       chan struct{} // closed while there is a watcher
	last     uint64
	children map[uint64]*watchedChild // started, or asked for
	orphans  []Identity               // that the watcher has, as far as it is known
	strays   []Identity               // orphans of earlier watchers
}

// begin starts a watcher, and hands it what the one before had started.
func (w *watchedForker) begin() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "watcher"), os.NewFile(uintptr(pair[1]), "watcher")
	defer ours.Close()
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		_ = conn.Close()
		return err
	}
	defer null.Close()
	hideDescriptors()
	proc, err := os.StartProcess(self, []string{"meshos", WatcherCommand}, &os.ProcAttr{
		Dir: "/", Env: []string{"GOMAXPROCS=1"}, Files: []*os.File{null, null, null, theirs},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		_ = conn.Close()
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.closed:
		_ = conn.Close()
		_ = proc.Kill()
		_, _ = proc.Wait()
		return ErrSpawnerClosed
	default:
	}
	w.proc, w.conn = proc, conn.(*net.UnixConn)
	adopt := slices.Clone(w.strays)
	for _, c := range w.children {
		if c.handle != nil {
			adopt = append(adopt, c.handle.id)
		}
	}
	if len(adopt) > 0 {
		text, err := json.Marshal(request{Adopt: adopt})
		if err == nil {
			_, err = w.conn.Write(text)
		}
		if err != nil {
			w.log.Error("the new watcher does not know what runs already", "error", err)
		}
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
			_ = conn.Close()
			return
		default:
		}
		_ = proc.Kill() // it may have closed the connection only
		_ = conn.Close()
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
		n, oobn, _, _, err := conn.ReadMsgUnix(message, oob)
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

// orphan notes that the watcher is gone.
func (w *watchedForker) orphan() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.up = make(chan struct{})
	w.strays = slices.DeleteFunc(append(w.strays, w.orphans...), func(id Identity) bool { return ended(id.PID) })
	w.orphans = nil
	for id, c := range w.children {
		if c.handle == nil {
			delete(w.children, id)
			c.started <- errWatcherGone
			continue
		}
		c.orphan()
	}
}

func (w *watchedForker) fork(ctx context.Context, h *helperStart) (child, int, error) {
	for {
		c, err := w.forkOnce(ctx, h)
		switch {
		case err == nil:
			return c, c.handle.id.PID, nil
		case errors.Is(err, errWatcherGone) && ctx.Err() == nil:
			continue // with the next watcher
		case ctx.Err() != nil || errors.Is(err, ErrSpawnerClosed):
			return nil, 0, err
		}
		return nil, 0, &StartError{Path: h.path, Err: err}
	}
}

// errWatcherGone means that a watcher ended before it had answered.
var errWatcherGone = errors.New("the watcher was killed")

func (w *watchedForker) forkOnce(ctx context.Context, h *helperStart) (*watchedChild, error) {
	c, conn, err := w.ask(ctx, h)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(watcherPatience)
	defer timer.Stop()
	select {
	case err := <-c.started:
		return c, err
	case <-timer.C:
		w.replace(conn)
		err = fmt.Errorf("the watcher did not answer within %v", watcherPatience)
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-w.closed:
		err = ErrSpawnerClosed
	}
	w.giveUp(c)
	return nil, err
}

// ask asks the watcher for a child, once there is a watcher.
func (w *watchedForker) ask(ctx context.Context, h *helperStart) (*watchedChild, *net.UnixConn, error) {
	w.mu.Lock()
	up := w.up
	w.mu.Unlock()
	select {
	case <-up:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	case <-w.closed:
		return nil, nil, ErrSpawnerClosed
	}
	w.mu.Lock()
	w.last++
	c := &watchedChild{w: w, id: w.last, lasting: h.lasting, started: make(chan error, 1), exited: make(chan Exit, 1), orphaned: make(chan struct{})}
	w.children[c.id] = c
	conn := w.conn
	w.mu.Unlock()
	fds := make([]int, len(h.files))
	for i, f := range h.files {
		fds[i] = int(f.Fd())
	}
	text, err := json.Marshal(request{ID: c.id, Args: h.args(), Lasting: h.lasting})
	if err == nil {
		_ = conn.SetWriteDeadline(time.Now().Add(watcherPatience))
		_, _, err = conn.WriteMsgUnix(text, unix.UnixRights(fds...), nil)
	}
	if err == nil {
		return c, conn, nil
	}
	w.giveUp(c)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed) {
		select {
		case <-w.closed:
			return nil, nil, ErrSpawnerClosed
		default:
		}
		// The listener finds the same out, perhaps a moment later.
		return nil, nil, w.awaitDown(ctx, conn)
	}
	return nil, nil, fmt.Errorf("ask the watcher: %w", err)
}

// awaitDown waits until it is known that the watcher of a connection is gone.
func (w *watchedForker) awaitDown(ctx context.Context, conn *net.UnixConn) error {
	tick := time.NewTicker(endPoll)
	defer tick.Stop()
	for {
		w.mu.Lock()
		down := w.conn != conn || !w.isUp()
		w.mu.Unlock()
		if down {
			return errWatcherGone
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.closed:
			return ErrSpawnerClosed
		}
	}
}

// isUp is called with mu held.
func (w *watchedForker) isUp() bool {
	select {
	case <-w.up:
		return true
	default:
		return false
	}
}

// giveUp has a child killed that nobody waits for, now or when it is started after all.
func (w *watchedForker) giveUp(c *watchedChild) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.givenUp = true
	if c.handle != nil {
		_ = c.signal(syscall.SIGKILL)
		c.handle.Close()
	}
}

// replace kills a watcher that does not do its work, if it is still the present one.
func (w *watchedForker) replace(conn *net.UnixConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn == conn {
		_ = w.proc.Kill()
		_ = conn.Close()
	}
}

// close has the watcher end everything, and waits for it, but no longer than it may take.
func (w *watchedForker) close() {
	w.once.Do(func() {
		w.mu.Lock()
		close(w.closed)
		_ = w.conn.CloseWrite() // it still reports how they end
		proc := w.proc
		w.mu.Unlock()
		late := time.AfterFunc(killWait, func() { _ = proc.Kill() })
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
