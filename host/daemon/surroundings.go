package daemon

import (
	"cmp"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/host/rights"
	"github.com/meshos/meshos/internal/readfile"
)

// surroundings are what the processes of a daemon run in, the daemon itself and what is
// started for it. They are found anew for each start, since accounts and files change.
type surroundings struct {
	env    map[string]string // the whole environment
	read   map[string]string // of it, what was read from files
	rights process.Rights
	dir    string
}

// surroundings finds what the daemon's processes run in. The error is one of rights.Find, or
// a *config.SourceError.
func (s Spec) surroundings(ctx context.Context) (surroundings, error) {
	account, err := s.RunAs.Account()
	if err != nil {
		return surroundings{}, err
	}
	read, err := s.Sources.Read()
	if err != nil {
		return surroundings{}, err
	}
	in := surroundings{env: s.environment(account), read: read, rights: s.rights(account)}
	for name, value := range read {
		if _, own := s.Env[name]; !own {
			in.env[name] = value
		}
	}
	in.dir, err = absolute(ctx, s.Dir) // the shim has another working directory
	return in, err
}

// environment returns what a daemon that runs as this account, nil for the node's own, has in
// its environment beside what is read from files.
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

// process returns what to start: the daemon itself, or another command, in its surroundings.
// A program is searched for in the PATH of the configuration, never in one that was read from
// a file. No file system may take longer than lookWithin to say where it is.
func (s Spec) process(ctx context.Context, command []string, in surroundings) (out process.Spec, err error) {
	path := config.SearchPath(s.Env)
	if len(command) == 0 {
		return process.Spec{}, &NotInPathError{Path: path}
	}
	out = process.Spec{Args: command[1:], Dir: in.dir, Rights: in.rights}
	if out.Path, err = config.FindProgram(ctx, command[0], path, lookWithin); err != nil {
		return process.Spec{}, err
	}
	if out.Path == "" {
		return process.Spec{}, &NotInPathError{Program: command[0], Path: path}
	}
	if out.Path, err = absolute(ctx, out.Path); err != nil {
		return process.Spec{}, err
	}
	for _, key := range slices.Sorted(maps.Keys(in.env)) {
		out.Env = append(out.Env, key+"="+in.env[key])
	}
	return out, nil
}

// absolute makes a path absolute: a relative one, which the configuration has none of, is
// relative to the node's own folder.
func absolute(ctx context.Context, path string) (string, error) {
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	own, err := readfile.DoContext(ctx, ".", lookWithin, os.Getwd)
	return filepath.Join(own, path), err
}
