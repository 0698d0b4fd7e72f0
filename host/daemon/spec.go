package daemon

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// Spec says how a daemon is run.
type Spec struct {
	Daemon mesh.DaemonRef
	// Command is the program and its arguments. A program without a slash is looked
	// for in the daemon's PATH.
	Command []string
	// Env is added to PATH, HOME and LANG, and may replace them.
	Env map[string]string
	// Dir is the working directory; empty for the node's own.
	Dir string
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment gives everything that a daemon finds in its environment.
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

// process gives what to start.
func (s Spec) process() (process.Spec, error) {
	env := s.environment()
	if len(s.Command) == 0 {
		return process.Spec{}, &NotInPathError{Path: env["PATH"]}
	}
	path, err := find(s.Command[0], env["PATH"])
	if err != nil {
		return process.Spec{}, err
	}
	out := process.Spec{Path: path, Args: s.Command[1:], Dir: s.Dir}
	for _, key := range slices.Sorted(maps.Keys(env)) {
		out.Env = append(out.Env, key+"="+env[key])
	}
	return out, nil
}

// find looks for a program as a shell would, but never in the working directory.
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
