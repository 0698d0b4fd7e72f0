package catalog

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/meshos/meshos/host/process"
)

// pluginRunner implements go-plugin's runner.Runner with a process that belongs to the
// catalog. Of its output, go-plugin gets the handshake line and nothing else.
type pluginRunner struct {
	ctx     context.Context // bounds the start; go-plugin's own can't be cancelled
	spawner *process.Spawner
	spec    process.Spec
	started func(*process.Process) // called once, as soon as the process runs
	// sessions are told that a start is under way; nil in tests.
	sessions *sessions

	handshake  *io.PipeReader // what go-plugin reads: the handshake line, then end-of-file
	handshakeW *io.PipeWriter
	shookHands atomic.Bool // there was a handshake line

	proc *process.Process
	err  error // why it could not be started
}

// newRunner returns a runner of spec. It adds to the environment what go-plugin has put
// into that of cmd.
func newRunner(ctx context.Context, s *process.Spawner, spec process.Spec, cmd *exec.Cmd, socketDir string, started func(*process.Process)) *pluginRunner {
	env := slices.DeleteFunc(slices.Clone(cmd.Env), func(kv string) bool {
		return strings.HasPrefix(kv, socketsKey+"=")
	})
	spec.Env = slices.Concat(spec.Env, env, []string{socketsKey + "=" + socketDir, lifelineKey + "=" + lifelineFD})
	r := &pluginRunner{ctx: ctx, spawner: s, spec: spec, started: started}
	r.handshake, r.handshakeW = io.Pipe()
	return r
}

// Start implements runner.Runner.
func (r *pluginRunner) Start(context.Context) error {
	if r.sessions != nil {
		defer r.sessions.starting()()
	}
	r.proc, r.err = r.spawner.Start(r.ctx, r.spec)
	if r.err != nil {
		r.handshakeW.Close()
		return r.err
	}
	r.started(r.proc)
	return nil
}

// finishHandshake passes the handshake line to go-plugin, or only the end-of-file if line
// is empty.
func (r *pluginRunner) finishHandshake(line string) {
	if line != "" {
		r.shookHands.Store(true)
		_, _ = io.WriteString(r.handshakeW, line+"\n")
	}
	r.handshakeW.Close()
}

// Stdout implements runner.Runner.
func (r *pluginRunner) Stdout() io.ReadCloser { return r.handshake }

// Stderr implements runner.Runner. go-plugin does not get the real one: it panics on some
// lines.
func (r *pluginRunner) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name implements runner.Runner.
func (r *pluginRunner) Name() string { return r.spec.Path }

// ID implements runner.Runner.
func (r *pluginRunner) ID() string {
	if r.proc == nil {
		return ""
	}
	return strconv.Itoa(r.proc.Pid())
}

// Diagnose implements runner.Runner. The errors of launch say more than it could.
func (r *pluginRunner) Diagnose(context.Context) string { return "" }

// Wait implements runner.Runner.
func (r *pluginRunner) Wait(ctx context.Context) error {
	select {
	case <-r.proc.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	if exit := r.proc.Exit(); !exit.Clean() {
		return fmt.Errorf("%v", exit)
	}
	return nil
}

// Kill implements runner.Runner.
func (r *pluginRunner) Kill(context.Context) error {
	if r.proc == nil {
		return nil
	}
	return r.proc.Signal(syscall.SIGKILL)
}

// PluginToHost implements runner.Runner. Host and plugin see the same files.
func (r *pluginRunner) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}

// HostToPlugin implements runner.Runner.
func (r *pluginRunner) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}
