package daemon

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

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
	// Dir is the working directory; empty for the node's own.
	Dir string
	// Health is how its health is checked; nil for not at all.
	Health *health.Check
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment returns the whole environment of the daemon.
func (s Spec) environment() map[string]string {
	env := map[string]string{"PATH": defaultPath, "LANG": "C.UTF-8"}
	for _, key := range []string{"PATH", "HOME", "LANG"} {
		if value := os.Getenv(key); value != "" {
			env[key] = value
		}
	}
	maps.Copy(env, s.Env)
	return env
}

// process returns what to start: the daemon itself, or another command in its environment and
// folder.
func (s Spec) process(command []string) (out process.Spec, err error) {
	env := s.environment()
	if len(command) == 0 {
		return process.Spec{}, &NotInPathError{Path: env["PATH"]}
	}
	out = process.Spec{Args: command[1:], Dir: s.Dir}
	if out.Path, err = find(command[0], env["PATH"]); err != nil {
		return process.Spec{}, err
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
		Path: p.Path, Args: p.Args, Env: p.Env, Dir: p.Dir,
	}, nil
}

// hash returns a hash of what the process is started with.
func (s Spec) hash() string { return config.ProcessHash(s.Command, s.Env, s.Dir) }

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
		p, err := s.process(s.Health.Command)
		if err != nil {
			return nil, err
		}
		return health.Exec(spawner, p), nil
	}
	return nil, fmt.Errorf("unknown type of health check: %q", s.Health.Type)
}

// find searches for a program as a shell does, but never in the working directory.
func find(program, path string) (string, error) {
	if strings.Contains(program, "/") {
		return program, nil
	}
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if found, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return found, nil
		}
	}
	return "", &NotInPathError{Program: program, Path: path}
}
