package daemon

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/daemon/health"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/host/rights"
)

// Spec is how a daemon is run.
type Spec struct {
	Daemon mesh.DaemonRef
	// Command is the program and its arguments. A program without a slash is searched
	// for in the daemon's PATH.
	Command []string
	// Env is added to PATH, HOME and LANG, and may replace them.
	Env map[string]string
	// Dir is the working directory; empty for the node's own.
	Dir string
	// RunAs is with which rights it runs.
	RunAs config.RunAs
	// Node is the only node that it may run on; 0 for any.
	Node mesh.NodeID
	// Stop is how it is stopped.
	Stop config.Stop
	// Limits is what it may take.
	Limits config.DaemonLimits
	// Health is how its health is checked; nil for not at all.
	Health *health.Check
}

// environment returns the whole environment of a daemon that runs as this account; nil for
// the node's own.
func (s Spec) environment(account *rights.Account) map[string]string {
	env := map[string]string{"PATH": config.SearchPath(s.Env), "LANG": "C.UTF-8"}
	for _, key := range []string{"HOME", "LANG"} {
		if value := os.Getenv(key); value != "" {
			env[key] = value
		}
	}
	if account != nil && account.User != "" {
		env["USER"], env["LOGNAME"], env["HOME"] = account.User, account.User, cmp.Or(account.Home, "/")
	}
	maps.Copy(env, s.Env)
	return env
}

// rights returns with which rights the daemon's processes run.
func (s Spec) rights(account *rights.Account) process.Rights {
	out := process.Rights{Umask: s.RunAs.Umask, Nice: s.RunAs.Nice, OOMScoreAdj: s.RunAs.OOMScoreAdj}
	if account != nil && config.Changes(*account) {
		out.Account = &process.Account{Name: account.User, UID: account.UID, GID: account.GID, Groups: account.Groups}
	}
	return out
}

// process returns what to start: the daemon itself, or another command in its environment and
// folder.
func (s Spec) process(command []string) (out process.Spec, err error) {
	account, err := s.RunAs.Account()
	if err != nil {
		return process.Spec{}, err
	}
	env := s.environment(account)
	if len(command) == 0 {
		return process.Spec{}, &NotInPathError{Path: env["PATH"]}
	}
	out = process.Spec{Args: command[1:], Dir: s.Dir, Rights: s.rights(account)}
	if out.Path = config.FindProgram(command[0], env["PATH"]); out.Path == "" {
		return process.Spec{}, &NotInPathError{Program: command[0], Path: env["PATH"]}
	}
	// The shim, which executes it, has another working directory.
	if out.Path, err = filepath.Abs(out.Path); err == nil {
		out.Dir, err = filepath.Abs(out.Dir)
	}
	if err != nil {
		return process.Spec{}, err
	}
	for _, key := range slices.Sorted(maps.Keys(env)) {
		out.Env = append(out.Env, key+"="+env[key])
	}
	return out, nil
}

// request returns the request that is sent to the shim.
func (s Spec) request() (shim.Request, error) {
	p, err := s.process(s.Command)
	if err != nil {
		return shim.Request{}, err
	}
	return shim.Request{
		ID: s.Daemon.ID, Name: s.Daemon.Name, Command: s.Command, Hash: s.hash(),
		Path: p.Path, Args: p.Args, Env: append(p.Env, process.MarkVariable+"="+process.NewMark()), Dir: p.Dir, Rights: p.Rights,
		KillMode: shim.KillMode(s.Stop.Mode), StopSignal: int(s.Stop.Number()), StopGrace: s.Stop.Grace,
	}, nil
}

// hash returns a hash of what the process is started with.
func (s Spec) hash() string {
	return config.Daemon{Command: s.Command, Env: s.Env, Dir: s.Dir, Stop: s.Stop, Limits: s.Limits, RunAs: s.RunAs}.ProcessHash()
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
		var found health.Probe // once its program is in PATH
		return health.ProbeFunc(func(ctx context.Context) health.Answer {
			if found == nil {
				p, err := s.process(s.Health.Command)
				if err != nil { // a *NotInPathError
					return health.Answer{Impossible: fmt.Sprintf("there is no program %q in PATH; write its full path, or install it", s.Health.Command[0])}
				}
				found = health.Exec(spawner, p)
			}
			return found.Ask(ctx)
		}), nil
	}
	return nil, fmt.Errorf("unknown type of health check: %q", s.Health.Type)
}
