package shim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/daemon/spool"
	"github.com/meshos/meshos/host/process"
)

const (
	requestFD, responseFD = 3, 4
	startTimeout          = time.Minute
	lockTimeout           = time.Second
)

// Main is the shim: it starts the daemon whose folder this is and stays until the daemon has
// ended. It returns the exit code of the shim; what matters is in the record.
func Main(folder string) int {
	request, response := os.NewFile(requestFD, "request"), os.NewFile(responseFD, "response")
	if info, err := request.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 { // the Go runtime may have opened a file there
		fmt.Fprintln(os.Stderr, "meshos: daemon-shim is started by a node only")
		return 2
	}
	s := &shim{folder: Folder(folder)}
	s.redirect()
	if err := s.begin(request, response); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := s.wait(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// shim is the state of this process and its daemon.
type shim struct {
	folder  Folder
	lock    *os.File // never closed: it is held to the end
	signals chan os.Signal
	spawner *process.Spawner
	proc    *process.Process
	record  Record
	output  *output
}

// redirect sends the stderr of this process to a file, for the case that it crashes.
func (s *shim) redirect() {
	_ = os.WriteFile("/proc/self/comm", []byte("meshos-shim"), 0o644) // for ps; cosmetic
	log, err := os.OpenFile(s.folder.Log(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	_ = unix.Dup3(int(log.Fd()), 2, 0)
	_ = log.Close()
	_ = os.Chdir("/") // so that no file system is kept busy
}

// begin reads the request, starts the daemon and responds. If the response can't be delivered
// no node knows of the daemon, and begin ends it again.
func (s *shim) begin(from io.ReadCloser, to io.WriteCloser) (err error) {
	defer func() { _ = to.Close() }()
	var request Request
	err = json.NewDecoder(from).Decode(&request)
	_ = from.Close()
	if err != nil {
		return fmt.Errorf("no request came: %w", err)
	}
	if err := s.start(request); err != nil {
		_ = json.NewEncoder(to).Encode(Response{Fault: faultOf(err)})
		return err
	}
	if err := json.NewEncoder(to).Encode(Response{PID: s.proc.Pid()}); err != nil {
		s.abandon()
		return fmt.Errorf("the node that requested the daemon is gone, so the daemon was ended: %w", err)
	}
	return nil
}

func (s *shim) start(request Request) (err error) {
	if err := s.lockFolder(); err != nil {
		return err
	}
	if err := s.folder.RemoveRecord(); err != nil {
		return err
	}
	writer, err := spool.NewWriter(s.folder.Output())
	if err != nil {
		return err
	}
	// Caught, not ignored: the daemon would inherit ignored signals.
	s.signals = make(chan os.Signal, 8)
	signal.Notify(s.signals, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)

	s.spawner = process.NewSpawner()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	s.proc, err = s.spawner.Start(ctx, process.Spec{Path: request.Path, Args: request.Args, Env: request.Env, Dir: request.Dir})
	if err != nil {
		return err
	}
	s.output = collect(s.proc, writer)
	s.record = Record{ID: request.ID, Name: request.Name, Command: request.Command, Hash: request.Hash, Started: time.Now().UTC()}
	if s.record.Shim, err = process.Identify(os.Getpid()); err != nil {
		s.abandon()
		return err
	}
	if s.record.Process, err = process.Identify(s.proc.Pid()); err != nil { // it ended already
		s.record.Process = process.Identity{PID: s.proc.Pid(), Boot: s.record.Shim.Boot}
	}
	if err := s.folder.Store(s.record); err != nil {
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
	s.proc.Stop(context.Background(), syscall.SIGKILL, 0)
	s.output.wait()
	_ = s.folder.RemoveRecord()
}

// wait waits for the end of the daemon, handles signals meanwhile, and records the end.
func (s *shim) wait() error {
	shrink()
	stopRequested := false
	for {
		select {
		case sig := <-s.signals:
			if s.forward(sig) {
				stopRequested = true
			}
			continue
		case <-s.proc.Done():
		}
		break
	}
	s.output.wait()
	exit := s.proc.Exit()
	s.record.End = &End{
		At: time.Now().UTC(), Code: exit.Code, Signal: exit.Signal, StopRequested: stopRequested, LastError: s.output.lastError(),
	}
	return s.folder.Store(s.record)
}

// forward passes a signal on to the daemon's group, and reports whether the signal was to end
// the daemon and reached it.
func (s *shim) forward(sig os.Signal) bool {
	switch sig {
	case syscall.SIGTERM:
		reached := s.proc.Signal(syscall.SIGTERM) == nil
		_ = s.proc.Signal(syscall.SIGCONT) // a stopped one would not react
		return reached
	case syscall.SIGUSR1:
		return s.proc.Signal(syscall.SIGKILL) == nil
	}
	return false
}
