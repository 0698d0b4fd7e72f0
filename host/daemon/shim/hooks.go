package shim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/daemon/spool"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/plaintext"
)

// Hooks are commands that are run for a daemon one after the other, in what it runs in itself.
type Hooks struct {
	Commands []Hook        `json:"commands,omitempty"`
	Timeout  time.Duration `json:"timeout,omitempty"` // for all of them together
}

// Hook is one command.
type Hook struct {
	Path string   `json:"path"`
	Args []string `json:"args,omitempty"`
}

// HookEnd is how a hook failed.
type HookEnd struct {
	Hook     string         `json:"hook"`             // "pre_start migrate"
	Before   bool           `json:"before,omitempty"` // the daemon was not started for that
	Code     int            `json:"code"`             // -1 if a signal ended it, 127 if it could not be started
	Signal   syscall.Signal `json:"signal,omitempty"` // 0 if it ended by itself
	Reason   string         `json:"reason"`           // such as "exit status 3"
	LastLine string         `json:"last_line,omitempty"`
}

const (
	preStart, postStop = "pre_start", "post_stop"
	// hookGrace is how long a hook has to end once it is asked to, because its time is over or
	// the start was given up.
	hookGrace = 500 * time.Millisecond
)

// NotStarted is the exit code that shells report for a program that can't be executed.
const NotStarted = 127

// runHooks runs hooks, and returns how the first one failed that did; nil if none did. What
// they print goes to the daemon's output, and each line says whose it is.
func (s *shim) runHooks(ctx context.Context, name string, hooks Hooks, in process.Spec) *HookEnd {
	if len(hooks.Commands) == 0 {
		return nil
	}
	timedOut := fmt.Errorf("did not end within %v", hooks.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, hooks.Timeout, timedOut)
	defer cancel()
	writer, err := spool.NewWriter(s.folder.Output())
	if err != nil {
		return &HookEnd{Hook: name, Code: NotStarted, Reason: err.Error()}
	}
	defer func() { _ = writer.Close() }()
	for _, h := range hooks.Commands {
		in.Path, in.Args, in.Local = h.Path, h.Args, false // the request has not said where hooks are
		if end := s.runHook(ctx, h.label(name), in, writer); end != nil {
			return end
		}
	}
	return nil
}

// hookError means that the daemon was not started because a hook failed.
type hookError struct{ end *HookEnd }

func (e *hookError) Error() string { return e.end.String() }

// preStart runs the hooks before the start. If one fails, the record says so, and the error is
// a *hookError; if the start was given up meanwhile there is no record.
func (s *shim) preStart(hooks Hooks, response *os.File) error {
	if len(hooks.Commands) == 0 {
		return nil
	}
	debug.SetGCPercent(gcPercent) // they may take long, and print much
	ctx, done := s.whileStarting(response)
	had := process.Descendants()
	end := s.runHooks(ctx, preStart, hooks, s.in)
	given := ctx.Err() != nil
	cause := context.Cause(ctx)
	done()
	if !given && end == nil {
		return nil
	}
	endOthers(had)
	defer s.rest.cgroup.Remove()
	if given {
		return cause
	}
	end.Before = true
	s.record.Process = s.record.Shim
	s.record.Process.PID, s.record.Process.Start = 0, 0
	s.record.End = &End{At: time.Now().UTC(), Code: end.Code, Signal: end.Signal, Hook: end}
	_ = s.store() // for the next node; this one is told
	return &hookError{end: end}
}

// afterwards runs the hooks after the end, and notes in the record how one failed.
func (s *shim) afterwards() {
	if len(s.post.Commands) == 0 {
		return
	}
	s.record.End.Afterwards = true
	_ = s.store() // should this process be killed meanwhile
	s.record.End.Afterwards = false
	had := process.Descendants()
	if s.spawner == nil {
		s.spawner = process.NewLoneSpawner()
	}
	s.record.End.Hook = s.runHooks(context.Background(), postStop, s.post, s.in)
	endOthers(had)
}

// endOthers kills what descends from this process, but for those that it had before, and
// waits for their end, but not for ever.
func endOthers(had []process.Identity) {
	for range 100 {
		others := slices.DeleteFunc(process.Descendants(), func(id process.Identity) bool { return slices.Contains(had, id) })
		if len(others) == 0 {
			return
		}
		process.Send(syscall.SIGKILL, others...)
		time.Sleep(10 * time.Millisecond)
		process.Reap(0)
	}
}

// String returns how it failed, for people.
func (e *HookEnd) String() string {
	if e.LastLine == "" {
		return e.Hook + ": " + e.Reason
	}
	return e.Hook + ": " + e.Reason + ": " + e.LastLine
}

// Last returns what it printed last, or what is not said by its status, after its name.
func (e *HookEnd) Last() string {
	switch status := (process.Exit{Code: e.Code, Signal: e.Signal}).String(); {
	case e.Reason != status && e.LastLine == "":
		return e.Hook + ": " + e.Reason
	case e.Reason != status:
		return e.Hook + ": " + e.Reason + ": " + e.LastLine
	case e.LastLine == "":
		return e.Hook
	}
	return e.Hook + ": " + e.LastLine
}

// label names a hook for people.
func (h Hook) label(name string) string {
	return name + " " + h.Path[strings.LastIndexByte(h.Path, '/')+1:]
}

func (s *shim) runHook(ctx context.Context, label string, spec process.Spec, writer *spool.Writer) *HookEnd {
	proc, err := s.spawner.Start(ctx, spec)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return &HookEnd{Hook: label, Code: NotStarted, Reason: err.Error()}
	}
	var readers sync.WaitGroup
	var last string
	readers.Go(func() { mark(label, proc.Stdout(), spool.Out, writer) })
	readers.Go(func() { last = mark(label, proc.Stderr(), spool.Err, writer) })
	var cause error
	select {
	case <-proc.Done():
	case <-ctx.Done():
		cause = context.Cause(ctx)
		proc.Stop(context.Background(), syscall.SIGTERM, hookGrace)
	}
	readers.Wait()
	exit := proc.Exit()
	if cause == nil && exit.Clean() {
		return nil
	}
	end := &HookEnd{Hook: label, Code: exit.Code, Signal: exit.Signal, Reason: exit.String(), LastLine: plaintext.Clean(last, maxLastLine)}
	if cause != nil {
		end.Reason = cause.Error()
		if exit.Clean() { // it ended, but not in time
			end.Code, end.Signal = -1, syscall.SIGTERM
		}
	}
	return end
}

// maxLastLine bounds the last line of a hook in a record, in bytes.
const maxLastLine = 256

// mark stores the lines that a hook prints, and returns the last one that is not empty.
func mark(label string, from io.Reader, stream spool.Stream, writer *spool.Writer) (last string) {
	process.ReadLines(from, maxLine, func(line string, cut bool) {
		if cut {
			line += fmt.Sprintf(" … (cut at %d bytes)", maxLine)
		}
		if text := strings.TrimSpace(line); text != "" {
			last = text
		}
		writer.Line(time.Now(), stream, label+": "+line)
	})
	return last
}

// errAskedToEnd ends the hooks of a start.
var errAskedToEnd = errors.New("was ended with the start: the daemon was asked to stop")

// errNodeGone ends the hooks of a start, since nobody would know of the daemon.
var errNodeGone = errors.New("was ended with the start: the node is gone, or has given the start up")

// whileStarting returns a context that ends when the start is given up: by a signal to this
// process, or because nobody waits for the response any more. Call done with the end of the
// hooks, and before anybody else reads the signals.
func (s *shim) whileStarting(response *os.File) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	var watchers sync.WaitGroup
	over := make(chan struct{})
	watchers.Go(func() {
		for {
			select {
			case sig := <-s.signals:
				if sig == syscall.SIGTERM || sig == syscall.SIGUSR1 {
					cancel(errAskedToEnd)
				}
			case <-over:
				return
			}
		}
	})
	watchers.Go(func() {
		for !gone(response) {
			select {
			case <-over:
				return
			default:
			}
		}
		cancel(errNodeGone)
	})
	return ctx, func() {
		close(over)
		watchers.Wait()
		cancel(nil)
	}
}

// gone waits a moment, and reports whether nobody reads from a pipe any more.
func gone(pipe *os.File) bool {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return true
	}
	is := false
	err = raw.Control(func(fd uintptr) {
		polled := []unix.PollFd{{Fd: int32(fd)}}
		n, err := unix.Poll(polled, 50)
		is = err == nil && n > 0 && polled[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
	})
	return is || err != nil
}
