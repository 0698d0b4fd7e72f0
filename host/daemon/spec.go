package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/daemon/health"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// Spec is how a daemon is run.
type Spec struct {
	Daemon mesh.DaemonRef
	// Command is the program and its arguments. A program without a slash is searched
	// for in the daemon's PATH.
	Command []string
	// Env is added to PATH, HOME and LANG, and may replace them.
	Env map[string]string
	// Sources are files of more variables. Env counts more.
	Sources config.Sources
	// Dir is the working directory; empty for the node's own.
	Dir string
	// RunAs is with which rights it runs.
	RunAs config.RunAs
	// PreStart are run before each start, and PostStop after each end.
	PreStart, PostStop config.Hooks
	// Node is the only node that it may run on; 0 for any.
	Node mesh.NodeID
	// StableRun is how long a run has to be if it is always started again: one that ends
	// earlier, with status 0 and unasked, is published as a crash. 0: status 0 is never one.
	StableRun time.Duration
	// Stop is how it is stopped.
	Stop config.Stop
	// Limits is what it may take.
	Limits config.DaemonLimits
	// ReloadSignal is the name of the signal that has it read its own configuration again, and
	// ReloadCommand a command that does so instead. Both are empty if nothing does.
	ReloadSignal  string
	ReloadCommand []string
	// Before are the daemons that StopAll stops after it.
	Before []mesh.DaemonID
	// Restart says after which ends it is started again. An end after which it is not is kept
	// in its record, so that the next Manager of the same boot publishes it again.
	Restart mesh.RestartMode
	// Health is how its health is checked; nil for not at all.
	Health *health.Check
}

// request returns the request that is sent to the shim.
func (s Spec) request(ctx context.Context, in surroundings) (shim.Request, error) {
	p, err := s.process(ctx, s.Command, in)
	if err != nil {
		return shim.Request{}, err
	}
	before, err := s.hooks(ctx, s.PreStart, in)
	if err != nil {
		return shim.Request{}, err
	}
	after, err := s.hooks(ctx, s.PostStop, in)
	if err != nil {
		return shim.Request{}, err
	}
	return shim.Request{
		ID: s.Daemon.ID, Name: s.Daemon.Name, Command: s.Command, Hash: s.hash(),
		Path: p.Path, Args: p.Args, Env: append(p.Env, process.MarkVariable+"="+process.NewMark()), Dir: p.Dir, Rights: p.Rights, PreStart: before, PostStop: after,
		KillMode: shim.KillMode(s.Stop.Mode), StopSignal: int(s.Stop.Number()), StopGrace: s.Stop.Grace,
	}, nil
}

// hash returns a hash of what the process is started with.
func (s Spec) hash() string {
	return config.Daemon{Command: s.Command, Env: s.Env, Sources: s.Sources, Dir: s.Dir, Stop: s.Stop, Limits: s.Limits, RunAs: s.RunAs, PreStart: s.PreStart, PostStop: s.PostStop}.ProcessHash()
}

// probe returns the probe of its health; nil for none.
func (s Spec) probe(spawner *process.Spawner) (health.Probe, error) {
	if s.Health == nil {
		return nil, nil
	}
	switch s.Health.Type {
	case "tcp":
		return health.TCP(s.Health.Target), nil
	case "http":
		return health.HTTP(s.Health.Target), nil
	case "exec":
		return health.Exec(spawner, func(ctx context.Context) (process.Spec, error) {
			p, err := s.check(ctx)
			if missing := (*NotInPathError)(nil); errors.As(err, &missing) {
				err = fmt.Errorf("there is no program %q in PATH; write its full path, or install it", missing.Program)
			}
			return p, err
		}), nil
	}
	return nil, fmt.Errorf("unknown type of health check: %q", s.Health.Type)
}

// check returns the process of a health check, which runs in what the daemon runs in.
func (s Spec) check(ctx context.Context) (process.Spec, error) {
	in, err := s.surroundings(ctx)
	if err != nil {
		return process.Spec{}, err
	}
	return s.process(ctx, s.Health.Command, in)
}
