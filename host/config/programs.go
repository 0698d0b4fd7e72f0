package config

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/meshos/meshos/internal/readfile"
)

// defaultPath is where programs of daemons are searched for if the node has no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// SearchPath returns the PATH of a daemon with this env.
func SearchPath(env map[string]string) string {
	if path, own := env["PATH"]; own {
		return path
	}
	return cmp.Or(os.Getenv("PATH"), defaultPath)
}

// FindProgram searches for a program as a shell does, but never in the working directory.
// One with a slash is not searched for. It returns "" if there is none. The error is a
// *readfile.HungError: a folder before the one that has the program does not answer, and the
// program may be in it; or that of ctx.
func FindProgram(ctx context.Context, program, path string, within time.Duration) (string, error) {
	if strings.Contains(program, "/") {
		return program, nil
	}
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		candidate := filepath.Join(dir, program)
		info, err := readfile.Examine(ctx, candidate, within)
		if err == nil && info.Executable {
			return candidate, nil
		}
		if isHung(err) || ctx.Err() != nil {
			return "", err
		}
	}
	return "", nil
}

// WrongProgram returns why a program can't be executed, and what to do; "" if it can. The
// error says that its file system did not answer within that time.
func WrongProgram(ctx context.Context, program, path string, within time.Duration) (string, error) {
	f, err := badIn(path)(ctx, program, within)
	return f.text(), err
}

// WrongDir returns why a folder can't be a working directory, and what to do; "" if it can.
// Its error is that of WrongProgram.
func WrongDir(ctx context.Context, dir string, within time.Duration) (string, error) {
	f, err := badDir(ctx, dir, within)
	return f.text(), err
}

func (f *fault) text() string {
	switch {
	case f == nil:
		return ""
	case f.hint == "":
		return f.message
	}
	return f.message + "; " + f.hint
}

func badDir(ctx context.Context, path string, within time.Duration) (*fault, error) {
	info, err := readfile.Look(ctx, path, within)
	switch {
	case isHung(err) || ctx.Err() != nil:
		return nil, err
	case err != nil || !info.Mode.IsDir():
		return &fault{message: "there is no directory " + path, hint: "create it, or leave dir out"}, nil
	}
	return nil, nil
}

const hintInstall = "install it, or correct the path"

// badPlugin returns why a plugin can't be started, nil if it can.
func badPlugin(ctx context.Context, path string, within time.Duration) (*fault, error) {
	f, err := badProgram(ctx, path, within)
	if f != nil && f.hint == hintInstall {
		f.hint = "build or install it, or set plugin.path to where it is"
	}
	return f, err
}

// badIn returns a function that returns why a program can't be started, and nil if it can.
// A program without a slash is searched for in this PATH.
func badIn(path string) examine {
	return func(ctx context.Context, program string, within time.Duration) (*fault, error) {
		found, err := FindProgram(ctx, program, path, within)
		if err != nil {
			return nil, err
		}
		if found == "" {
			return &fault{message: "there is no program " + quote(program) + " in PATH", hint: "write its full path, or install it"}, nil
		}
		return badProgram(ctx, found, within)
	}
}

// badProgram returns why the program in a file can't be started, nil if it can.
func badProgram(ctx context.Context, program string, within time.Duration) (*fault, error) {
	info, err := readfile.Examine(ctx, program, within)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &fault{message: "there is no file " + program, hint: hintInstall}, nil
	case isHung(err) || ctx.Err() != nil:
		return nil, err
	case err != nil:
		return &fault{message: err.Error(), hint: hintInstall}, nil
	case info.Mode.IsDir():
		return &fault{message: program + " is a directory, not a program", hint: hintInstall}, nil
	case !info.Mode.IsRegular():
		return &fault{message: program + " is not a regular file", hint: hintInstall}, nil
	case info.Mode&0o111 == 0:
		return &fault{message: program + " is not executable", hint: "chmod +x " + program}, nil
	case info.Written:
		return &fault{message: program + " is being written", hint: "it can be executed when nobody has it open for writing any more"}, nil
	}
	return nil, nil
}
