package catalog

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"slices"
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
)

// launch starts the plugin's process and connects to it, within StartTimeout. If it fails
// nothing is left of the process, and the error is an *Error.
func (s *slot) launch(ctx context.Context, env *runEnv, program *process.Program) (*instance, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.StartTimeout)
	defer cancel()
	err := os.MkdirAll(s.dataDir(), 0o700)
	if err == nil {
		err = os.Chmod(s.dataDir(), 0o700) // in case it existed
	}
	if err != nil {
		return nil, s.hostError("start", fmt.Sprintf("its data directory can't be created: %v", err), "make node.data_dir writable for the host's user", err)
	}
	dir, err := env.sockets.make()
	if err != nil {
		return nil, s.hostError("start", fmt.Sprintf("its socket directory can't be created: %v", err), "make the directory for temporary files writable, or set TMPDIR", err)
	}
	lifelineR, lifelineW, err := os.Pipe()
	if err != nil {
		os.RemoveAll(dir)
		return nil, s.hostError("start", "a pipe can't be made", "", err)
	}
	defer lifelineR.Close()

	i := newInstance(lifelineW, dir)
	spec := process.Spec{Path: s.entry().Path, Program: program, Lasting: true, Env: s.entry().Env, ExtraFiles: []*os.File{lifelineR}}
	l := &launching{slot: s, spawner: env.spawner, instance: i}
	failure := l.connect(ctx, spec)
	if failure == nil {
		return i, nil
	}
	if i.proc == nil {
		i.freeUnstarted()
	} else {
		_ = i.proc.Signal(syscall.SIGKILL)
		<-i.proc.Done() // within 5 s, also when it can't be killed
		s.ended(i.free())
	}
	return nil, failure
}

// checkStuck returns an error while a process of this plugin that was killed hangs in the
// kernel: each further one would perhaps hang as well.
func (s *slot) checkStuck() error {
	s.mu.Lock()
	p := s.process
	s.mu.Unlock()
	if p == nil {
		return nil
	}
	select {
	case <-p.Collected():
		return nil
	default:
		return s.newError("start", fmt.Sprintf("its last process, %d, was killed but hangs in the kernel", p.Pid()),
			"see what it waits for in /proc/PID/stack, often a file system that does not answer", nil)
	}
}

// launching is a start in progress.
type launching struct {
	slot     *slot
	spawner  *process.Spawner
	instance *instance
	runner   *pluginRunner
	release  func() bool           // from now on, the end of the start's ctx does not kill it
	refused  atomic.Pointer[Error] // what is wrong with its handshake
	accepted atomic.Bool           // a TLS connection is open
}

// connect has go-plugin start the process through our runner, and connect to it. These
// calls of go-plugin can't be cancelled, but they end when the process is killed.
func (l *launching) connect(ctx context.Context, spec process.Spec) *Error {
	i, s := l.instance, l.slot
	stdout, stderr := s.output.NewWriter(), s.output.NewWriter()
	i.printed = []*pluginlog.Writer{stdout, stderr}
	tlsConfig, certificate, err := clientTLS()
	if err != nil {
		return s.hostError("start", fmt.Sprintf("a certificate can't be made: %v", err), "", err)
	}
	tlsConfig.VerifyConnection = func(tls.ConnectionState) error { l.accepted.Store(true); return nil }
	spec.Env = append(slices.Clip(spec.Env), certificate)
	i.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  handshakeConfig(),
		Plugins:          goplugin.PluginSet{pluginName: connOnly{}},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		TLSConfig:        tlsConfig,
		SkipHostEnv:      true,
		Logger:           hclog.NewNullLogger(),
		StartTimeout:     s.opts.StartTimeout + time.Second, // ctx ends before that
		SyncStdout:       stdout,
		SyncStderr:       stderr,
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: i.dir},
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage), grpc.ForceCodecV2(answers.NewLenientCodec(s.reportDiscarded))),
			grpc.WithNoProxy(),
			grpc.WithInitialWindowSize(window),
			grpc.WithInitialConnWindowSize(window),
			grpc.WithMaxHeaderListSize(maxHeaders),
			grpc.WithContextDialer(l.dial),
			grpc.WithUnaryInterceptor(unaryMethods),
			grpc.WithStreamInterceptor(streamMethods),
			// A grandchild may keep the connection of a dead process open.
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: s.opts.StartTimeout}),
		},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			l.runner = newRunner(ctx, l.spawner, spec, cmd, i.dir, l.started)
			l.runner.sessions = &l.slot.sessions
			return l.runner, nil
		},
	})

	// Client returns when the connection is up, when ctx ends before the process has
	// started, or when the process has ended.
	proto, err := i.client.Client()
	if err == nil {
		i.conn = proto.(*goplugin.GRPCClient).Conn
	}
	if l.release != nil && !l.release() {
		// ctx has ended and the process is being killed, whatever go-plugin returned.
		err = ctx.Err()
	}
	return l.failure(ctx, err)
}

// started is called by the runner as soon as there is a process.
func (l *launching) started(p *process.Process) {
	i, s := l.instance, l.slot
	i.proc = p
	s.setProcess(p)
	l.release = context.AfterFunc(l.runner.ctx, func() { _ = p.Signal(syscall.SIGKILL) })
	i.readers.Go(func() { s.output.ReadStderr(p.Stderr()) })
	i.readers.Go(func() {
		s.output.ReadStdout(p.Stdout(), func(line string, cut bool) bool {
			if !looksLikeHandshake(line) {
				return false
			}
			problem, remedy := fmt.Sprintf("its handshake is longer than %d bytes", len(line)), "send a handshake as go-plugin does"
			if !cut {
				problem, remedy = l.checkHandshake(line)
			}
			if problem != "" {
				l.refused.Store(&Error{
					Plugin: s.entry().Name, Step: "start", Problem: problem, Remedy: remedy, Rejected: true,
				})
				line = ""
			}
			l.runner.finishHandshake(line)
			return true
		})
		// The output ended. Without a handshake go-plugin kills the process now, which would
		// hide how it ended.
		waitAtMost(100*time.Millisecond, func() { <-p.Done() })
		l.runner.finishHandshake("")
	})
}

// connOnly is the one entry of the plugin set: callers use the connection itself.
type connOnly struct {
	goplugin.NetRPCUnsupportedPlugin
}

// GRPCServer implements goplugin.GRPCPlugin. A host serves nothing.
func (connOnly) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { return nil }

// GRPCClient implements goplugin.GRPCPlugin.
func (connOnly) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return c, nil
}
