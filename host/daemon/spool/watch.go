package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// pollEvery is how often the reader of a folder is woken that the kernel does not watch.
const pollEvery = 250 * time.Millisecond

// Watcher wakes readers when something was written. One Watcher serves all of a node's daemons,
// and costs nothing while none of them prints. Readers of folders for which the kernel has no
// more inotify watches are woken regularly instead.
type Watcher struct {
	file    *os.File // inotify; nil if the kernel has no more instances
	add     func(inotify int, dir string, mask uint32) (watch int, err error)
	stop    chan struct{}
	done    sync.WaitGroup
	polling sync.Once

	mu         sync.Mutex
	wakes      map[int]chan struct{} // by watch descriptor; below 0: folders that are polled
	lastPolled int
}

// NewWatcher starts watching. Close it.
func NewWatcher() *Watcher {
	w := &Watcher{add: unix.InotifyAddWatch, stop: make(chan struct{}), wakes: make(map[int]chan struct{})}
	if fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err == nil {
		w.file = os.NewFile(uintptr(fd), "inotify")
		w.done.Go(w.listen)
	}
	return w
}

// Close stops watching.
func (w *Watcher) Close() {
	close(w.stop)
	if w.file != nil {
		_ = w.file.Close()
	}
	w.done.Wait()
}

// Add watches a folder that exists. The channel gets a value after something was written there,
// and sometimes without that; several writes may send one value. It is closed when the folder was
// removed or moved: add it again then. Call remove when done, before Close.
func (w *Watcher) Add(dir string) (wake <-chan struct{}, remove func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key, err := w.register(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	if key < 0 {
		w.polling.Do(func() { w.done.Go(w.poll) })
	}
	c := make(chan struct{}, 1)
	w.wakes[key] = c
	return c, func() { w.remove(key, c) }, nil
}

// register has the kernel watch a folder and returns the watch descriptor, or a number below 0 if
// the folder has to be polled.
func (w *Watcher) register(dir string) (key int, err error) {
	w.lastPolled--
	if w.file == nil {
		return w.lastPolled, nil
	}
	raw, err := w.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		key, failed = w.add(int(fd), dir, unix.IN_MODIFY|unix.IN_CREATE|unix.IN_DELETE|unix.IN_MOVE_SELF|unix.IN_ONLYDIR)
	})
	if errors.Is(failed, unix.ENOSPC) { // max_user_watches
		return w.lastPolled, nil
	}
	return key, errors.Join(err, failed)
}

func (w *Watcher) remove(key int, c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wakes[key] != c {
		return // the folder was added again meanwhile
	}
	w.drop(key)
}

// drop is called with mu held.
func (w *Watcher) drop(key int) {
	delete(w.wakes, key)
	if key < 0 {
		return
	}
	if raw, err := w.file.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, _ = unix.InotifyRmWatch(int(fd), uint32(key)) })
	}
}

// listen reads the kernel's events until the file is closed.
func (w *Watcher) listen() {
	buf := make([]byte, 16<<10)
	for {
		n, err := w.file.Read(buf)
		if err != nil {
			return
		}
		w.mu.Lock()
		for b := buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			key := int(int32(binary.NativeEndian.Uint32(b)))
			mask, name := binary.NativeEndian.Uint32(b[4:]), binary.NativeEndian.Uint32(b[12:])
			if mask&unix.IN_Q_OVERFLOW != 0 {
				w.wakeAll()
			} else if c, ok := w.wakes[key]; ok && mask&(unix.IN_IGNORED|unix.IN_MOVE_SELF) != 0 {
				w.drop(key)
				close(c)
			} else if ok {
				wake(c)
			}
			b = b[min(len(b), unix.SizeofInotifyEvent+int(name)):]
		}
		w.mu.Unlock()
	}
}

// poll wakes the readers of folders that the kernel does not watch.
func (w *Watcher) poll() {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
			w.mu.Lock()
			for key, c := range w.wakes {
				if key < 0 {
					wake(c)
				}
			}
			w.mu.Unlock()
		}
	}
}

func (w *Watcher) wakeAll() {
	for _, c := range w.wakes {
		wake(c)
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
