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

// pluginRunner implements go-plugin's runner.Runner on a process of ours.
// go-plugin sees of the process's output the handshake line and nothing more.
type pluginRunner struct {
	// ctx bounds the start instead of go-plugin's own, so that it can be cancelled.
	ctx     context.Context
	spawner *process.Spawner
	spec    process.Spec
	running func(*process.Process) // called once, as soon as it runs

	hello   *io.PipeReader // the handshake line, then end of file
	helloW  *io.PipeWriter
	greeted atomic.Bool // there was one

	proc *process.Process
	err  error // of the start
}

// newRunner takes what go-plugin wants in the environment from cmd.
func newRunner(ctx context.Context, s *process.Spawner, spec process.Spec, cmd *exec.Cmd, socketDir string, running func(*process.Process)) *pluginRunner {
	env := slices.DeleteFunc(slices.Clone(cmd.Env), func(kv string) bool {
		return strings.HasPrefix(kv, socketsKey+"=")
	})
	spec.Env = slices.Concat(spec.Env, env, []string{socketsKey + "=" + socketDir, lifelineKey + "=" + lifelineFD})
	r := &pluginRunner{ctx: ctx, spawner: s, spec: spec, running: running}
	r.hello, r.helloW = io.Pipe()
	return r
}

// Start implements runner.Runner.
func (r *pluginRunner) Start(context.Context) error {
	r.proc, r.err = r.spawner.Start(r.ctx, r.spec)
	if r.err != nil {
		r.helloW.Close()
		return r.err
	}
	r.running(r.proc)
	return nil
}

// greet hands the handshake line to go-plugin; without one, only the end.
func (r *pluginRunner) greet(line string) {
	if line != "" {
		r.greeted.Store(true)
		_, _ = io.WriteString(r.helloW, line+"\n")
	}
	r.helloW.Close()
}

// Stdout implements runner.Runner.
func (r *pluginRunner) Stdout() io.ReadCloser { return r.hello }

// Stderr implements runner.Runner. The real one is not for go-plugin.
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

// Diagnose implements runner.Runner; our own errors say more than it could.
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

// PluginToHost implements runner.Runner: host and plugin see the same files.
func (r *pluginRunner) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}

// HostToPlugin implements runner.Runner.
func (r *pluginRunner) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}
