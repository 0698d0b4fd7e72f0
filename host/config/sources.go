package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/meshos/meshos/internal/envfile"
	"github.com/meshos/meshos/internal/readfile"
)

// Sources are the files from which a daemon's environment is read when it is started. Only
// their names are in the configuration, never what is in them.
type Sources struct {
	Files  []EnvFile         // of KEY=VALUE lines; of a key that several have the last one counts
	Values map[string]string // the file of one variable each; they count more than Files
}

// EnvFile is a file of variables.
type EnvFile struct {
	Path     string
	Optional bool // it may be missing
}

// Limits of what is read.
const (
	maxEnvFile  = 1 << 20
	maxEnvValue = 64 << 10 // the system takes 128 KiB for one variable
)

// SourceError is what is wrong with a file of a daemon's environment. It contains nothing of
// what is in the file.
type SourceError struct {
	Key  string // "env_file", or "env.NAME"
	Path string
	Err  error // an *envfile.Error, or that of reading it
}

// Error implements error.
func (e *SourceError) Error() string {
	f := e.fault()
	return fmt.Sprintf("%s: %s; %s", e.Key, f.message, f.hint)
}

// Unwrap returns the cause.
func (e *SourceError) Unwrap() error { return e.Err }

// errNotText means that a file can't be the value of a variable.
var errNotText = errors.New("is not text: it has a NUL character, or is not UTF-8")

// Empty reports whether there are none.
func (s Sources) Empty() bool { return len(s.Files) == 0 && len(s.Values) == 0 }

// Read reads the variables. Each file is read within a size and a time; the first one that
// can't be read ends it, with a *SourceError.
func (s Sources) Read() (map[string]string, error) {
	out := make(map[string]string)
	for _, f := range s.Files {
		vars, err := f.read()
		if err != nil {
			return nil, err
		}
		maps.Copy(out, vars)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		value, err := readValue(name, s.Values[name])
		if err != nil {
			return nil, err
		}
		out[name] = value
	}
	return out, nil
}

func (f EnvFile) read() (map[string]string, error) {
	text, err := readfile.Read(f.Path, maxEnvFile)
	if f.Optional && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var vars map[string]string
	if err == nil {
		vars, err = envfile.Parse(string(text))
	}
	if err != nil {
		return nil, &SourceError{Key: "env_file", Path: f.Path, Err: err}
	}
	return vars, nil
}

// readValue reads the file of one variable. The end of its last line does not belong to the
// value, since editors and echo add one.
func readValue(name, path string) (string, error) {
	text, err := readfile.Read(path, maxEnvValue)
	if err == nil && !envfile.Valid(string(text)) {
		err = errNotText
	}
	if err != nil {
		return "", &SourceError{Key: "env." + name, Path: path, Err: err}
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}

// resolve makes the paths absolute.
func (s *Sources) resolve(absolute func(*string)) {
	for i := range s.Files {
		absolute(&s.Files[i].Path)
	}
	for name, path := range s.Values {
		absolute(&path)
		s.Values[name] = path
	}
}

// addSources adds the files of a daemon's environment.
func addSources(l *looks, s Sources, at place) {
	for i, f := range s.Files {
		add(l, "daemon.env_file", f.Path, func() error { _, err := f.read(); return err }, at.key("env_file").item(i), at.key("env_file"))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		path := s.Values[name]
		env := at.key("env")
		add(l, "daemon.env."+bareKey(name), path, func() error { _, err := readValue(name, path); return err }, env.key(name), env)
	}
}

func add(l *looks, key, path string, read func() error, places ...place) {
	l.add(key, path, nil, places...).read = func() func(*reader) {
		err := read()
		open := openTo(path)
		return func(r *reader) {
			if source := (*SourceError)(nil); errors.As(err, &source) {
				r.fault(key, *source.fault(), places...)
			} else if open != nil {
				r.warning(key, *open, places...)
			}
		}
	}
}

// openTo returns a fault if users who should not can read or change a file of secrets.
func openTo(path string) *fault {
	info, err := readfile.Look(context.Background(), path, readfile.Within)
	if err != nil || info.Mode.Perm()&0o006 == 0 {
		return nil
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if above, err := readfile.Look(context.Background(), dir, readfile.Within); err != nil || above.Mode.Perm()&0o001 == 0 {
			return nil // they can't get there
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	what := "read"
	if info.Mode.Perm()&0o002 != 0 {
		what = "change"
	}
	return &fault{
		message: fmt.Sprintf("every user of this machine can %s %s: its mode is %04o", what, path, info.Mode.Perm()),
		hint:    "chmod 0600 " + path + " (the node reads it, not the daemon)",
	}
}

// fault returns what is wrong, without anything of what is in the file.
func (e *SourceError) fault() *fault {
	var syntax *envfile.Error
	missing := errors.Is(e.Err, fs.ErrNotExist)
	switch {
	case missing && e.Key == "env_file":
		return &fault{message: "there is no file " + e.Path, hint: `create it, or write "-` + e.Path + `" if it may be missing`}
	case missing:
		return &fault{message: "there is no file " + e.Path, hint: "create it, or correct the path"}
	case errors.As(e.Err, &syntax):
		return &fault{message: e.Path + ": " + e.Err.Error(), hint: "docs/daemons.md says how such a file is written"}
	case errors.Is(e.Err, errNotText):
		return &fault{message: e.Path + " " + e.Err.Error(), hint: "a variable can't hold that: give the program the path instead"}
	case errors.Is(e.Err, fs.ErrPermission):
		return &fault{message: "the node may not read " + e.Path, hint: "make it readable for the node's user"}
	}
	message := e.Err.Error()
	if !strings.Contains(message, e.Path) {
		message = e.Path + ": " + message
	}
	return &fault{message: message, hint: "correct the path or the file"}
}

// WrongSources returns why the files of a daemon's environment can't be read, and what to
// do; "" if they can.
func WrongSources(s Sources) string {
	if _, err := s.Read(); err != nil {
		return err.Error()
	}
	return ""
}
