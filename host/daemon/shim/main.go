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
	orderFD, reportFD = 3, 4
	startTimeout      = time.Minute
	lockTimeout       = time.Second
)

// Main is the shim: it starts the daemon whose folder this is and stays until that
// has ended. It gives the exit code of the process, which nobody asks for; what
// matters is in the record.
func Main(folder string) int {
	order, report := os.NewFile(orderFD, "order"), os.NewFile(reportFD, "report")
	if info, err := order.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 { // it may be a file of the runtime's
		fmt.Fprintln(os.Stderr, "meshos: daemon-shim is started by a node and by nobody else")
		return 2
	}
	s := &shim{folder: Folder(folder)}
	s.redirect()
	if err := s.begin(order, report); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := s.attend(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// shim is the one daemon that this process is for.
type shim struct {
	folder  Folder
	lock    *os.File // never closed: it is held to the end
	signals chan os.Signal
	spawner *process.Spawner
	proc    *process.Process
	record  Record
	output  *output
}

// redirect lets what this process says, should it crash, end in a file.
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

// begin takes the order, starts the daemon and answers. If nobody takes the answer
// any more, nobody knows of the daemon, and it is ended again.
func (s *shim) begin(from io.ReadCloser, to io.WriteCloser) (err error) {
	defer func() { _ = to.Close() }()
	var order Order
	err = json.NewDecoder(from).Decode(&order)
	_ = from.Close()
	if err != nil {
		return fmt.Errorf("no order came: %w", err)
	}
	if err := s.start(order); err != nil {
		_ = json.NewEncoder(to).Encode(Report{Fault: faultOf(err)})
		return err
	}
	if err := json.NewEncoder(to).Encode(Report{PID: s.proc.Pid()}); err != nil {
		s.abandon()
		return fmt.Errorf("the node that ordered the daemon is gone, so it was ended: %w", err)
	}
	return nil
}

func (s *shim) start(o Order) (err error) {
	if err := s.take(); err != nil {
		return err
	}
	if err := s.folder.Forget(); err != nil {
		return err
	}
	writer, err := spool.NewWriter(s.folder.Output())
	if err != nil {
		return err
	}
	// Caught, not ignored: what is ignored here would be ignored by the daemon too.
	s.signals = make(chan os.Signal, 8)
	signal.Notify(s.signals, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)

	s.spawner = process.NewSpawner()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	s.proc, err = s.spawner.Start(ctx, process.Spec{Path: o.Path, Args: o.Args, Env: o.Env, Dir: o.Dir})
	if err != nil {
		return err
	}
	s.output = collect(s.proc, writer)
	s.record = Record{ID: o.ID, Name: o.Name, Command: o.Command, Hash: o.Hash, Started: time.Now().UTC()}
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

// take locks the folder. The shim of the run before has perhaps noted the end and
// not ended itself yet.
func (s *shim) take() (err error) {
	for late := time.Now().Add(lockTimeout); ; time.Sleep(lockTimeout / 100) {
		s.lock, err = s.folder.tryLock()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		if time.Now().After(late) {
			return errors.New("another process supervises it already and holds " + s.folder.lock())
		}
	}
}

// abandon ends the daemon and leaves no record of it.
func (s *shim) abandon() {
	s.proc.Stop(context.Background(), syscall.SIGKILL, 0)
	s.output.wait()
	_ = s.folder.Forget()
}

// attend waits for the end and does what signals say until then.
func (s *shim) attend() error {
	rest()
	asked := false
	for {
		select {
		case sig := <-s.signals:
			if s.pass(sig) {
				asked = true
			}
			continue
		case <-s.proc.Done():
		}
		break
	}
	s.output.wait()
	exit := s.proc.Exit()
	s.record.End = &End{
		At: time.Now().UTC(), Code: exit.Code, Signal: exit.Signal, Asked: asked, LastError: s.output.lastError(),
	}
	return s.folder.Store(s.record)
}

// pass carries a signal to the daemon's group. It says whether that asked it to end.
func (s *shim) pass(sig os.Signal) bool {
	switch sig {
	case syscall.SIGTERM:
		asked := s.proc.Signal(syscall.SIGTERM) == nil
		_ = s.proc.Signal(syscall.SIGCONT) // or a stopped one would not hear it
		return asked
	case syscall.SIGUSR1:
		return s.proc.Signal(syscall.SIGKILL) == nil
	}
	return false
}
