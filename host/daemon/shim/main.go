package shim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/daemon/shim/standby"
	"github.com/meshos/meshos/host/daemon/spool"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/unwritable"
)

const (
	requestFD, responseFD = 3, 4
	startTimeout          = time.Minute
	lockTimeout           = time.Second
)

// Main is the shim: it starts the daemon whose folder this is and stays until the daemon has
// ended. It returns the exit code of the shim; what matters is in the record.
func Main(folder string) int {
	if state, ok := standby.Load(); ok {
		s := &shim{folder: Folder(folder)}
		return s.finish(s.resume(state))
	}
	request, response := os.NewFile(requestFD, "request"), os.NewFile(responseFD, "response")
	if info, err := request.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 { // the Go runtime may have opened a file there
		fmt.Fprintln(os.Stderr, "meshos: daemon-shim is started by a node only")
		return 2
	}
	s := &shim{folder: Folder(folder)}
	s.redirect()
	return s.finish(s.begin(request, response))
}

// finish waits for the end of the daemon, if it was begun, and returns the exit code.
func (s *shim) finish(begun error) int {
	if begun != nil {
		fmt.Fprintln(os.Stderr, begun)
		return 1
	}
	code, err := s.wait()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

// shim is the state of this process and its daemon.
type shim struct {
	folder  Folder
	lock    *os.File // never closed: it is held to the end
	signals chan os.Signal
	spawner *process.Spawner
	died    chan os.Signal // SIGCHLD
	proc    *process.Process
	rest    *rest
	record  Record
	slot    *slot // of the record; nil while it can't be written
	writer  *spool.Writer
	output  *output
	started time.Duration // by the clock of uptime

	retry         <-chan time.Time // when to write the record, if that was not possible
	stopRequested bool
	again         *time.Timer        // when to look who is left; nil while the main process runs
	left          []process.Identity // as seen last
	in            process.Spec       // what the daemon's processes run in
	post          Hooks
}

// redirect sends the stderr of this process to a file, for the case that it crashes.
func (s *shim) redirect() {
	_ = os.WriteFile("/proc/self/comm", []byte("meshos-shim"), 0o644) // for ps; cosmetic
	defer func() { _ = os.Chdir("/") }()                              // so that no file system is kept busy
	log, err := os.OpenFile(s.folder.Log(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	_ = unix.Dup3(int(log.Fd()), 2, 0)
	_ = log.Close()
}

// begin reads the request, starts the daemon and stands by, or, if it can't, responds. If the
// response can't be delivered no node knows of the daemon, and begin ends it again.
func (s *shim) begin(from io.ReadCloser, to *os.File) (err error) {
	defer func() { _ = to.Close() }()
	var text json.RawMessage
	var request Request
	if err = json.NewDecoder(from).Decode(&text); err == nil {
		err = json.Unmarshal(text, &request)
	}
	_ = from.Close()
	if err != nil {
		return fmt.Errorf("no request came: %w", err)
	}
	s.post = request.PostStop
	s.in = request.spec()
	err = s.start(request, to)
	if failed := (*hookError)(nil); errors.As(err, &failed) {
		_ = json.NewEncoder(to).Encode(Response{Ended: s.record.End})
		return err
	}
	if err != nil {
		_ = json.NewEncoder(to).Encode(Response{Fault: faultOf(err)})
		return err
	}
	if err := s.standBy(text, to); err != nil {
		fmt.Fprintln(os.Stderr, "it takes more memory than it needs:", err)
	}
	s.collect(nil)
	if err := json.NewEncoder(to).Encode(Response{PID: s.proc.Pid(), Unrecorded: s.slot == nil}); err != nil {
		s.abandon()
		return unanswered(err)
	}
	return nil
}

func unanswered(err error) error {
	return fmt.Errorf("the node that requested the daemon is gone, so the daemon was ended: %w", err)
}

// handled are the signals that a shim handles, and that would end it otherwise.
func handled() []os.Signal {
	return []os.Signal{syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT}
}

// catch takes the signals from now on. They are caught, not ignored: the daemon would inherit
// ignored ones.
func (s *shim) catch() {
	s.signals = make(chan os.Signal, 8)
	signal.Notify(s.signals, handled()...)
	s.died = make(chan os.Signal, 1)
	signal.Notify(s.died, syscall.SIGCHLD)
}

func (s *shim) start(request Request, response *os.File) (err error) {
	if err := s.lockFolder(); err != nil {
		return err
	}
	if err := s.folder.RemoveRecord(); err != nil && !unwritable.Is(err) {
		return err
	}
	s.catch()
	if err := process.AdoptOrphans(); err != nil {
		return err
	}
	s.rest = newRest(request)

	s.spawner = process.NewLoneSpawner()
	s.record = Record{
		ID: request.ID, Name: request.Name, Command: request.Command, Hash: request.Hash, Environment: request.Environment, Started: time.Now().UTC(),
		Mark: process.MarkOf(request.Env), Cgroup: request.Cgroup, KillMode: request.KillMode, Unmet: request.Unmet,
	}
	if s.record.Shim, err = process.Identify(os.Getpid()); err != nil {
		return err
	}
	if err := s.preStart(request.PreStart, response); err != nil {
		return err
	}
	if s.writer, err = spool.NewWriter(s.folder.Output()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	main := s.in
	main.Rest = s.rest.await
	s.proc, err = s.spawner.Start(ctx, main)
	if err != nil {
		_ = s.writer.Close()
		return err
	}
	s.rest.main = s.proc.Pid()
	s.started = uptime()
	s.record.Started = time.Now().UTC()
	if s.record.Process, err = process.Identify(s.proc.Pid()); err != nil { // it ended already
		s.record.Process = s.record.Shim
		s.record.Process.PID, s.record.Process.Start = s.proc.Pid(), 0
	}
	s.rest.mainIs = s.record.Process
	// A daemon without a record is better than none.
	if s.slot, err = s.folder.reserve(s.record); err != nil && !withoutDisk(err) {
		s.collect(nil)
		s.abandon()
		return err
	}
	return nil
}

// lockFolder locks the folder. It waits a moment for the previous shim, which may have recorded
// the end and not ended itself yet.
func (s *shim) lockFolder() (err error) {
	for deadline := time.Now().Add(lockTimeout); ; time.Sleep(lockTimeout / 100) {
		s.lock, err = s.folder.tryLock()
		if withoutDisk(err) { // whoever starts a daemon there looks for its shim among all processes
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("another process supervises the daemon already and holds " + s.folder.lock())
		}
	}
}

// abandon ends the daemon and leaves no record of it.
func (s *shim) abandon() {
	s.rest.mode = KillGroup // nobody would know of what it leaves
	s.rest.kill()
	for s.live() {
	}
	s.output.wait()
	_ = s.folder.RemoveRecord()
	s.rest.cgroup.Remove()
}

// withoutDisk reports whether an error means that the daemon's folder can't be written, or not
// even be made, for now.
func withoutDisk(err error) bool { return unwritable.Is(err) || errors.Is(err, fs.ErrNotExist) }
