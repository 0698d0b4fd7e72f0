package catalog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/catalog/pluginlog"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/plaintext"
)

// launch starts the plugin's process and connects to it, within StartTimeout. If
// it fails nothing is left behind, and the error is an *Error.
func (s *slot) launch(ctx context.Context, env *runEnv) (*instance, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.StartTimeout)
	defer cancel()
	err := os.MkdirAll(s.dataDir(), 0o700)
	if err == nil {
		err = os.Chmod(s.dataDir(), 0o700) // it may have been there
	}
	if err != nil {
		return nil, s.newError("start", fmt.Sprintf("its data directory can't be made: %v", err), "make it writable for the host's user", err)
	}
	dir, err := env.sockets.make()
	if err != nil {
		return nil, s.newError("start", fmt.Sprintf("its socket directory can't be made: %v", err), "make it writable or set TMPDIR", err)
	}
	lifelineR, lifelineW, err := os.Pipe()
	if err != nil {
		os.RemoveAll(dir)
		return nil, s.newError("start", err.Error(), "see how many files the node may open (ulimit -n)", err)
	}
	defer lifelineR.Close()

	i := newInstance(lifelineW, dir)
	spec := process.Spec{Path: s.entry.Path, Env: s.entry.Env, ExtraFiles: []*os.File{lifelineR}}
	l := &launching{slot: s, spawner: env.spawner, instance: i}
	l.connect(ctx, spec)
	if l.problem == nil {
		return i, nil
	}
	if i.proc == nil {
		i.freeUnstarted()
	} else {
		_ = i.proc.Signal(syscall.SIGKILL)
		<-i.proc.Done()
		s.ended(i.free())
	}
	return nil, l.problem
}

// launching is a start under way.
type launching struct {
	slot     *slot
	spawner  *process.Spawner
	instance *instance
	runner   *pluginRunner
	release  func() bool           // keeps the end of the start's ctx from killing it
	refused  atomic.Pointer[Error] // what is wrong with its handshake
	problem  *Error                // the result
}

// connect has go-plugin start the process through our runner and dial it.
// go-plugin's own calls can't be cancelled; killing the process ends them.
func (l *launching) connect(ctx context.Context, spec process.Spec) {
	i, s := l.instance, l.slot
	stdout, stderr := s.output.NewWriter(), s.output.NewWriter()
	i.printed = []*pluginlog.Writer{stdout, stderr}
	i.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  handshakeConfig(),
		Plugins:          goplugin.PluginSet{pluginName: connOnly{}},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		Logger:           hclog.NewNullLogger(),
		StartTimeout:     s.opts.StartTimeout + time.Second, // ours comes first
		SyncStdout:       stdout,
		SyncStderr:       stderr,
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: i.dir},
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage), grpc.ForceCodecV2(answers.NewLenientCodec(s.reportDiscarded))),
			grpc.WithNoProxy(),
			// A grandchild may hold the connection of a dead process open.
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: s.opts.StartTimeout}),
		},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			l.runner = newRunner(ctx, l.spawner, spec, cmd, i.dir, l.running)
			return l.runner, nil
		},
	})

	// Client returns when the handshake is done and the connection is up, when the
	// start of the process ends with ctx, or when there is no process any more.
	proto, err := i.client.Client()
	if err == nil {
		i.conn = proto.(*goplugin.GRPCClient).Conn
	}
	if l.release != nil && !l.release() {
		// ctx ended and the process is being killed, whatever go-plugin made of it.
		err = ctx.Err()
	}
	l.problem = l.judge(ctx, err)
}

// running is called from go-plugin's start, as soon as there is a process.
func (l *launching) running(p *process.Process) {
	i, s := l.instance, l.slot
	i.proc = p
	s.setPid(p.Pid())
	l.release = context.AfterFunc(l.runner.ctx, func() { _ = p.Signal(syscall.SIGKILL) })
	i.readers.Go(func() { s.output.ReadStderr(p.Stderr()) })
	i.readers.Go(func() {
		s.output.ReadStdout(p.Stdout(), func(line string) bool {
			if !looksLikeHandshake(line) {
				return false
			}
			if problem, remedy := checkHandshake(line, i.dir); problem != "" {
				l.refused.Store(&Error{
					Plugin: s.entry.Name, Step: "start", Problem: problem, Remedy: remedy, Rejected: true,
				})
				line = ""
			}
			l.runner.greet(line)
			return true
		})
		// It ended without one. go-plugin kills it then, which would hide how.
		waitAtMost(100*time.Millisecond, func() { <-p.Done() })
		l.runner.greet("")
	})
}

// judge says what came out of a start.
func (l *launching) judge(ctx context.Context, err error) *Error {
	s, name := l.slot, l.slot.entry.Name
	var start *process.StartError
	switch {
	case l.refused.Load() != nil:
		return l.refused.Load()
	case errors.As(err, &start):
		e := s.newError("start", fmt.Sprintf("%s: %s", start.Path, start.Reason()), startRemedy(start), err)
		e.Rejected = start.Cause != process.CauseBusy && start.Cause != process.CauseOther
		return e
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &Error{Plugin: name, Step: "start", Problem: "the host is stopping", Err: ctx.Err()}
	case ctx.Err() != nil:
		return s.newError("start", fmt.Sprintf("no handshake within %v%s", s.opts.StartTimeout, s.lastMessage()),
			fmt.Sprintf("run %s by hand to see what it does", filepath.Clean(s.entry.Path)), ctx.Err())
	case err == nil:
		return nil
	}
	i := l.instance
	if i.proc == nil {
		return s.newError("start", err.Error(), "it is tried again", err)
	}
	// go-plugin notices the end of stdout before the end of the process.
	waitAtMost(100*time.Millisecond, func() { <-i.proc.Done() })
	select {
	case <-i.proc.Done():
		i.awaitOutput()
		if l.runner.greeted.Load() && i.proc.Exit().Signal == syscall.SIGKILL { // go-plugin did that
			return l.noConnection(err)
		}
		remedy := fmt.Sprintf("run %s by hand to see why", filepath.Clean(s.entry.Path))
		last, _ := s.output.LastMessage()
		switch {
		case i.proc.Exit().Clean():
			remedy = "it may be no plugin at all: " + remedy
		case strings.Contains(last, "load any plugins automatically"): // as go-plugin ends what it says
			remedy = fmt.Sprintf("it is a plugin, but not for this host: it does not know %s=%s", cookieKey, cookieValue)
		}
		return s.newError("start", fmt.Sprintf("it ended before its handshake: %v%s", i.proc.Exit(), s.lastMessage()), remedy, err)
	default:
		return l.noConnection(err)
	}
}

// noConnection is the problem of a plugin that says hello and can't be reached.
func (l *launching) noConnection(err error) *Error {
	s := l.slot
	return s.newError("start", "the connection failed: "+plaintext.Clean(err.Error(), detailLength)+s.lastMessage(), serveGRPC, err)
}

// serveGRPC is the remedy for a socket that is not served as agreed.
const serveGRPC = "let it serve gRPC with go-plugin's AutoMTLS on the socket that it names, as pluginsdk does"

// startRemedy says what to do about a file that could not be executed.
func startRemedy(err *process.StartError) string {
	switch err.Cause {
	case process.CauseNotFound:
		return `build it with "make build" or set path`
	case process.CauseNotExecutable:
		return fmt.Sprintf("get or build one for %s/%s", runtime.GOOS, runtime.GOARCH)
	case process.CausePermission:
		return "let the host's user execute it"
	case process.CauseInterpreter:
		return "build it statically (CGO_ENABLED=0), or install what it names and touch the file"
	}
	return "it is tried again"
}

// connOnly is the one entry of the plugin set; callers use the connection itself.
type connOnly struct {
	goplugin.NetRPCUnsupportedPlugin
}

// GRPCServer implements goplugin.GRPCPlugin; a host serves nothing.
func (connOnly) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { return nil }

// GRPCClient implements goplugin.GRPCPlugin.
func (connOnly) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return c, nil
}
