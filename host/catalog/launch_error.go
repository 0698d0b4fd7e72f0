package catalog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/plaintext"
)

// serveGRPC is the remedy for a socket that is not served as agreed.
const serveGRPC = "it has to serve gRPC with go-plugin's AutoMTLS on the socket that it names, as pluginsdk does"

// failure returns why a start failed, given the error of go-plugin; nil if it did not.
func (l *launching) failure(ctx context.Context, err error) *Error {
	s := l.slot
	var start *process.StartError
	var abandoned *process.AbandonedError
	switch {
	case l.refused.Load() != nil:
		return l.refused.Load()
	case errors.As(err, &start):
		e := s.newError("start", fmt.Sprintf("%s: %s", start.Path, start.Reason()), startRemedy(start), err)
		e.Rejected = start.Cause != process.CauseBusy && start.Cause != process.CauseOther
		return e
	case errors.As(err, &abandoned):
		s.setProcess(abandoned.Process)
		return s.newError("start", fmt.Sprintf("%s could not be executed within %v, and process %d hangs in the kernel with it",
			s.entry().Path, s.opts.StartTimeout, abandoned.Process.Pid()), "check the file system that it is on", err)
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return s.newError("start", "the host is stopping", "", ctx.Err())
	case ctx.Err() != nil && l.instance.proc == nil:
		return s.newError("start", fmt.Sprintf("%s could not be executed within %v", s.entry().Path, s.opts.StartTimeout),
			"the system makes its execution wait: check its file system, and who holds a lease on it", ctx.Err())
	case ctx.Err() != nil && l.runner.shookHands.Load():
		return s.newError("start", fmt.Sprintf("its handshake came, but within %v %s%s", s.opts.StartTimeout, l.missing(), s.lastMessage()), serveGRPC, ctx.Err())
	case ctx.Err() != nil:
		return s.newError("start", fmt.Sprintf("no handshake within %v%s", s.opts.StartTimeout, s.lastMessage()),
			fmt.Sprintf("run %s by hand to see what it does", filepath.Clean(s.entry().Path)), ctx.Err())
	case err == nil:
		return nil
	case l.instance.proc == nil:
		return s.newError("start", err.Error(), "it is tried again", err)
	}
	if err := openFiles(); err != nil {
		return s.hostError("start", "its socket can't be reached", "", err)
	}
	return l.noConnection(err)
}

// missing returns what did not happen after the handshake.
func (l *launching) missing() string {
	if l.accepted.Load() {
		return "no stream could be opened on its connection: it allows none at a time (MAX_CONCURRENT_STREAMS), or does not answer"
	}
	return "no HTTP/2 began on its socket"
}

// noConnection returns why a process was started but can't be reached.
func (l *launching) noConnection(err error) *Error {
	s, i := l.slot, l.instance
	unserved := func() *Error {
		return s.newError("start", "the connection failed: "+plaintext.Clean(err.Error(), detailLength)+s.lastMessage(), serveGRPC, err)
	}
	// go-plugin notices the end of stdout before the end of the process.
	waitAtMost(100*time.Millisecond, func() { <-i.proc.Done() })
	select {
	case <-i.proc.Done():
	default:
		return unserved()
	}
	i.awaitOutput()
	if l.runner.shookHands.Load() && i.proc.Exit().Signal == syscall.SIGKILL { // by go-plugin
		return unserved()
	}
	remedy := fmt.Sprintf("run %s by hand to see why", filepath.Clean(s.entry().Path))
	last, _ := s.output.LastMessage()
	switch {
	case i.proc.Exit().Clean():
		remedy = "it may not be a plugin at all: " + remedy
	case strings.Contains(last, "load any plugins automatically"): // the end of what go-plugin prints without its cookie
		remedy = fmt.Sprintf("it is a plugin, but not for this host: it does not know %s=%s", cookieKey, cookieValue)
	}
	return s.newError("start", fmt.Sprintf("it ended before its handshake: %v%s", i.proc.Exit(), s.lastMessage()), remedy, err)
}

// startRemedy returns what to do about a file that could not be executed.
func startRemedy(err *process.StartError) string {
	switch err.Cause {
	case process.CauseNotFound:
		return buildIt + " in its entry in meshos.toml, then run meshos reload"
	case process.CauseNotExecutable:
		return fmt.Sprintf("install a build for %s/%s", runtime.GOOS, runtime.GOARCH)
	case process.CausePermission:
		return "let the host's user execute it"
	case process.CauseInterpreter:
		return "build it statically (CGO_ENABLED=0), or install what it names and touch the file"
	}
	return "it is tried again"
}
