package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// WatcherCommand is the argument by which our binary knows that it is a watcher.
const WatcherCommand = "process-watcher"

const (
	watcherFD = 3 // its socket
	// endPatience is how long a watcher goes on killing what does not end.
	endPatience = 10 * time.Second
	endPoll     = 5 * time.Millisecond
	orphanPoll  = 500 * time.Millisecond
	maxOrphans  = 256 // of which a report tells
)

func init() {
	if len(os.Args) == 2 && os.Args[1] == WatcherCommand {
		os.Exit(watcherMain())
	}
}

// request is a message to a watcher. Descriptors come with it.
type request struct {
	ID      uint64     `json:"id,omitempty"`
	Args    []string   `json:"args,omitempty"` // of a helper to start
	Lasting bool       `json:"lasting,omitempty"`
	Mark    string     `json:"mark,omitempty"`  // of the program, see MarkVariable
	Adopt   []Identity `json:"adopt,omitempty"` // what another watcher had started
}

// report is a message of a watcher: that it has started a helper, whose pidfd comes with it, or why
// not; that it has ended; or which processes it has adopted.
type report struct {
	ID    uint64   `json:"id"`
	Child Identity `json:"child"`
	Error string   `json:"error,omitempty"`
	Exit  *Exit    `json:"exit,omitempty"`
	// Orphans are processes whose parents have ended, and that have left their session. Only
	// their being children of the watcher shows where they come from.
	Orphans *[]Identity `json:"orphans,omitempty"`
}

// watcher starts helpers for a node, and ends everything that descends from them when the
// node is gone.
type watcher struct {
	boot string

	mu       sync.Mutex // held while a helper is forked or reaped
	children map[int]watchedStart
	ended    []endedStart // of whose descendants something may be left
	adopted  []Identity
	orphans  []Identity // as reported last
}

// watchedStart is a child of a watcher.
type watchedStart struct {
	id   uint64
	mark string
}

// endedStart is a child of a watcher that has ended.
type endedStart struct {
	session int // that it began; 0 if another process has the number by now
	mark    string
	until   time.Time // when it is forgotten, unless something is known to be left
}

// watcherMain runs a watcher until its node is gone and nothing is left. It runs on the main
// thread, which the death of children that are not lasting is tied to.
func watcherMain() int {
	if kind, err := unix.GetsockoptInt(watcherFD, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_SEQPACKET {
		fmt.Fprintln(os.Stderr, "meshos: "+WatcherCommand+" is started by a node and by nobody else")
		return 2
	}
	_ = os.WriteFile("/proc/self/comm", []byte("process-watcher"), 0o644) // for ps, and for killall meshos
	// Caught, not ignored: what is ignored here would be ignored by the children too.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE,
		syscall.SIGALRM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 1
	}
	boot, err := BootID()
	if err != nil {
		return 1
	}
	w := &watcher{boot: boot, children: make(map[int]watchedStart)}
	go w.reap()
	go w.look()
	w.serve()
	w.end()
	return 0
}

// serve does what the node asks for until it is gone.
func (w *watcher) serve() {
	message, oob := make([]byte, 64<<10), make([]byte, unix.CmsgSpace(4*32))
	for {
		n, oobn, _, _, err := unix.Recvmsg(watcherFD, message, oob, unix.MSG_CMSG_CLOEXEC)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return
		}
		files := received(oob[:oobn])
		var r request
		if json.Unmarshal(message[:n], &r) == nil {
			w.do(r, files)
		}
		for _, f := range files {
			_ = f.Close()
		}
	}
}

// received returns the descriptors that came with a message.
func received(oob []byte) (files []*os.File) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files
}

func (w *watcher) do(r request, files []*os.File) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.adopted = append(w.adopted, r.Adopt...)
	if r.Args == nil {
		return
	}
	pidfd := -1
	attr := &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd}
	if !r.Lasting {
		attr.Pdeathsig = syscall.SIGKILL
	}
	answer := report{ID: r.ID}
	proc, err := forkHelper(files, r.Args, attr)
	if err != nil {
		answer.Error = err.Error()
		send(answer, -1)
		return
	}
	for i := range w.ended {
		if w.ended[i].session == proc.Pid {
			w.ended[i].session = 0
		}
	}
	w.children[proc.Pid] = watchedStart{id: r.ID, mark: r.Mark}
	answer.Child = Identity{PID: proc.Pid, Boot: w.boot}
	if id, err := Identify(proc.Pid); err == nil { // it is not reaped while mu is held
		answer.Child = id
	}
	send(answer, pidfd)
	_ = unix.Close(pidfd)
	_ = proc.Release()
}

// send sends a report, with a descriptor if that is not negative.
func send(r report, fd int) {
	text, err := json.Marshal(r)
	if err != nil {
		return
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	_ = unix.Sendmsg(watcherFD, text, rights, nil, unix.MSG_NOSIGNAL)
}

// reap reaps children, the node's and those that were adopted, and reports the former.
func (w *watcher) reap() {
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	again := time.NewTimer(0)
	for wait := endPoll; ; {
		for w.reapOne() {
			wait = endPoll
		}
		if w.unsettled() { // nothing tells when it has been executed
			again.Reset(wait)
			wait = min(2*wait, orphanPoll)
		}
		select {
		case <-died:
		case <-again.C:
		}
	}
}

// unsettled looks again what is left of children that have ended, and reports whether that has
// to be done once more.
func (w *watcher) unsettled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ended) > 0 {
		w.sweep()
	}
	return len(w.ended) > 0
}

// reapOne reaps a zombie, if there is one.
func (w *watcher) reapOne() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	var info unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	pid := pidOf(&info)
	if errors.Is(err, unix.EINTR) {
		return true
	}
	if err != nil || pid == 0 {
		return false
	}
	start, known := w.children[pid]
	if known {
		// The zombie still has its pid, so no other group can have that number.
		_ = unix.Kill(-pid, unix.SIGKILL)
	}
	var status unix.WaitStatus
	var usage unix.Rusage
	if _, err := unix.Wait4(pid, &status, 0, &usage); err != nil {
		return false
	}
	if known {
		delete(w.children, pid)
		w.ended = append(w.ended, endedStart{session: pid, mark: start.mark, until: time.Now().Add(settlePatience)})
		exit := exitFrom(status, usage)
		send(report{ID: start.id, Child: Identity{PID: pid}, Exit: &exit}, -1)
	}
	w.sweep()
	return true
}

// sweep kills what is left of children that have ended: who is in their session, or has
// their mark. What it kills dies, its children become children of this process, and then it is
// called again. An ended child of which nothing is left is forgotten; not yet, but not for ever
// either, while there are children of which it is not known whose they are, since they are being
// executed, or whose own children are not here yet, since they are ending.
func (w *watcher) sweep() {
	left, settled := make([]bool, len(w.ended)), true
	for _, pid := range ownChildren() {
		if _, known := w.children[pid]; known {
			continue
		}
		s, err := readStat(pid)
		if err != nil {
			continue
		}
		mark, sure := readMark(pid, s)
		settled = settled && sure && !s.dead()
		for i, start := range w.ended {
			if mark != "" && mark == start.mark || mark == "" && start.session != 0 && s.session == start.session {
				left[i] = true
				_ = unix.Kill(pid, unix.SIGKILL) // a child of ours that nobody reaps meanwhile
			}
		}
	}
	now, kept := time.Now(), w.ended[:0]
	for i, start := range w.ended {
		if left[i] || !settled && now.Before(start.until) {
			kept = append(kept, start)
		}
	}
	w.ended = kept
}

// look reports, every now and then, which orphans there are: if this watcher is killed, the
// next one has to know them.
func (w *watcher) look() {
	for range time.Tick(orphanPoll) {
		w.mu.Lock()
		var orphans []Identity
		for _, pid := range ownChildren() {
			if _, known := w.children[pid]; known || ended(pid) {
				continue
			}
			if id, err := Identify(pid); err == nil && len(orphans) < maxOrphans {
				orphans = append(orphans, id)
			}
		}
		if !slices.Equal(orphans, w.orphans) {
			w.orphans = orphans
			send(report{Orphans: &orphans}, -1)
		}
		w.mu.Unlock()
	}
}

// end kills everything that descends from this process, and what it adopted.
func (w *watcher) end() {
	roots := []Identity{{PID: os.Getpid()}}
	w.mu.Lock()
	for _, id := range w.adopted {
		if now, err := Identify(id.PID); errors.Is(err, ErrGone) || err == nil && now.is(id) {
			roots = append(roots, id) // or at least its session is still its own
		}
	}
	w.mu.Unlock()
	killFamilies(w.boot, roots, time.Now().Add(endPatience), os.Getpid())
}
