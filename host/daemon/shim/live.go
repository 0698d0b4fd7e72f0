package shim

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/process"
)

// wait waits for the end of the daemon, handles signals meanwhile, and records the end. It
// returns the exit code of the shim: if the end can't be recorded, it is all that tells of it.
func (s *shim) wait() (code int, err error) {
	shrink()
	process.Reap(s.rest.main) // who ended before SIGCHLD was caught
	retry := time.NewTicker(recordAgain)
	defer retry.Stop()
	s.retry = retry.C
	for s.live() {
	}
	s.output.wait()
	s.record.Main, s.record.End = nil, s.end()
	s.record.End.Lost, s.record.End.LostWhy = s.output.lost()
	if s.rest.mode == KillProcess {
		s.record.End.Left = s.left
	}
	s.afterwards()
	err = s.store()
	s.rest.cgroup.Remove()
	if err != nil {
		return s.record.End.exitCode(), err
	}
	return 0, nil
}

// recordAgain is how often a record that could not be written is tried again.
const recordAgain = 2 * time.Second

// store writes how the daemon ended to its place in the record.
func (s *shim) store() (err error) {
	if s.slot == nil {
		if s.slot, err = s.folder.reserve(s.record); err != nil {
			return err
		}
	}
	return s.slot.put(s.record.Main, s.record.End)
}

// live waits for one thing to happen and handles it. It returns false when the daemon has
// ended, and what belongs to it too.
func (s *shim) live() bool {
	ended := s.rest.mainEnded
	if s.again != nil {
		ended = nil
	}
	select {
	case sig := <-s.signals:
		s.handle(sig)
	case <-s.died:
		process.Reap(s.rest.main)
	case <-ended:
		s.again = time.NewTimer(time.Hour)
	case <-s.tick():
	case <-s.retry:
		if s.slot == nil {
			s.slot, _ = s.folder.reserve(s.record)
		}
		if s.slot != nil {
			s.retry = nil
		}
	case <-s.proc.Done():
		return false
	}
	if s.again != nil {
		s.look()
	}
	return true
}

// tick returns when to look again who is left; never while the main process runs.
func (s *shim) tick() <-chan time.Time {
	if s.again == nil {
		return nil
	}
	return s.again.C
}

// look looks who is left once the main process has ended.
func (s *shim) look() {
	if s.rest.done {
		s.again.Stop()
		return
	}
	s.left = s.rest.look()
	if text := s.rest.news(s.left); text != "" {
		s.output.note("%s: %s", text, Describe(s.left))
	}
	if s.rest.isStuck() {
		s.record.Main = s.end()
		s.record.Main.Left = s.left
		_ = s.store()
		s.output.note("its main process has ended, but not what that left: %s; it counts as running until that ends", Describe(s.left))
	}
	s.again.Reset(s.rest.next())
}

// Describe names processes, for people.
func Describe(ids []process.Identity) string {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		name, _ := os.ReadFile("/proc/" + strconv.Itoa(id.PID) + "/comm")
		one := fmt.Sprintf("process %d", id.PID)
		if name := strings.TrimSpace(string(name)); name != "" { // "" once it is dead
			one += " (" + name + ")"
		}
		names = append(names, one)
	}
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// end returns how the daemon ended, once its main process has.
func (s *shim) end() *End {
	exit := s.proc.Exit()
	if s.rest.hasMainEnded() && exit.Code == -1 && exit.Signal == 0 {
		exit = s.proc.Peek()
	}
	return &End{
		At: time.Now().UTC(), Ran: uptime() - s.started, Code: exit.Code, Signal: exit.Signal, StopRequested: s.stopRequested, LastError: s.output.lastError(),
	}
}

// handle does what a signal asks for. SIGTERM is passed on as the daemon's own stop signal,
// SIGUSR1 kills.
func (s *shim) handle(sig os.Signal) {
	switch sig {
	case syscall.SIGTERM:
		s.stopRequested = s.rest.ask() || s.stopRequested
	case syscall.SIGUSR1:
		s.stopRequested = s.rest.kill() || s.stopRequested
	}
}
