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

// pollEvery is how often folders are looked at where the kernel does not tell.
const pollEvery = 250 * time.Millisecond

// Watcher tells readers that something was written. One serves all of a node's
// daemons and costs nothing while none of them prints, but for folders that the
// machine gives no more inotify for: those are looked at now and then.
type Watcher struct {
	file    *os.File // inotify; nil where the machine gives no more of them
	add     func(inotify int, dir string, mask uint32) (watch int, err error)
	stop    chan struct{}
	done    sync.WaitGroup
	polling sync.Once

	mu     sync.Mutex
	wakes  map[int]chan struct{} // by watch descriptor, or by a number of our own below 0
	serial int
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

// Close ends watching.
func (w *Watcher) Close() {
	close(w.stop)
	if w.file != nil {
		_ = w.file.Close()
	}
	w.done.Wait()
}

// Add watches a folder that exists. The channel gets a value after something was
// written there, and perhaps without that; several writes may be told as one. Call
// remove when done, before Close.
func (w *Watcher) Add(dir string) (wake <-chan struct{}, remove func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key, err := w.ask(dir)
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

// ask has the kernel tell of a folder, and gives a number of our own if it can't.
func (w *Watcher) ask(dir string) (key int, err error) {
	w.serial--
	if w.file == nil {
		return w.serial, nil
	}
	raw, err := w.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		key, failed = w.add(int(fd), dir, unix.IN_MODIFY|unix.IN_CREATE|unix.IN_ONLYDIR)
	})
	if errors.Is(failed, unix.ENOSPC) { // max_user_watches
		return w.serial, nil
	}
	return key, errors.Join(err, failed)
}

func (w *Watcher) remove(key int, c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wakes[key] != c {
		return // the folder is watched for somebody else by now
	}
	delete(w.wakes, key)
	if key < 0 {
		return
	}
	if raw, err := w.file.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, _ = unix.InotifyRmWatch(int(fd), uint32(key)) })
	}
}

// listen reads what the kernel tells until the file is closed.
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
			} else if c, ok := w.wakes[key]; ok {
				wakeUp(c)
			}
			b = b[min(len(b), unix.SizeofInotifyEvent+int(name)):]
		}
		w.mu.Unlock()
	}
}

// poll wakes those whom the kernel does not tell.
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
					wakeUp(c)
				}
			}
			w.mu.Unlock()
		}
	}
}

func (w *Watcher) wakeAll() {
	for _, c := range w.wakes {
		wakeUp(c)
	}
}

func wakeUp(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
