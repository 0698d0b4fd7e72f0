package process

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// watchedChild is a child of the watcher.
type watchedChild struct {
	w        *watchedForker
	id       uint64
	lasting  bool
	started  chan error // buffered for one
	exited   chan Exit  // buffered for one
	orphaned chan struct{}
	once     sync.Once
	over     atomic.Bool // the handle is closed, or about to be

	handle  *Handle // set before started is sent to; guarded by w.mu until then
	givenUp bool    // guarded by w.mu
}

// orphan notes that nobody reports its end.
func (c *watchedChild) orphan() { c.once.Do(func() { close(c.orphaned) }) }

// signal signals the group through the pidfd, so that it can't reach another one.
func (c *watchedChild) signal(sig syscall.Signal) error {
	err := c.handle.signalGroup(sig)
	if errors.Is(err, ErrGone) || c.over.Load() {
		return os.ErrProcessDone
	}
	return err
}

// wait waits for the end by the pidfd, and for how it ended by the watcher's report.
func (c *watchedChild) wait() Exit {
	defer c.handle.Close()
	defer c.over.Store(true)
	defer func() {
		c.w.mu.Lock()
		defer c.w.mu.Unlock()
		c.w.forget(c.id, c)
	}()
	_ = c.handle.Wait(context.Background())
	timer := time.NewTimer(watcherPatience)
	defer timer.Stop()
	select {
	case exit := <-c.exited:
		return exit
	case <-c.orphaned:
	case <-timer.C:
		c.w.mu.Lock()
		conn := c.w.conn
		c.w.mu.Unlock()
		c.w.replace(conn)
	}
	KillSession(c.handle.id)
	return Exit{Code: -1, Unreported: true}
}

// handleOf returns a handle of a pidfd.
func handleOf(pidfd *os.File, id Identity) *Handle {
	fd, err := unix.Dup(int(pidfd.Fd()))
	_ = pidfd.Close()
	if err != nil {
		return &Handle{id: id, file: os.NewFile(^uintptr(0), "pidfd")}
	}
	unix.CloseOnExec(fd)
	_ = unix.SetNonblock(fd, true) // so that waiting costs no thread
	return &Handle{id: id, file: os.NewFile(uintptr(fd), "pidfd")}
}
