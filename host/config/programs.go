package config

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
// One with a slash is not searched for. It returns "" if there is none.
func FindProgram(program, path string) string {
	if strings.Contains(program, "/") {
		return program
	}
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if found, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return found
		}
	}
	return ""
}

// WrongProgram returns why a program can't be executed, and what to do; "" if it can.
func WrongProgram(program, path string) string { return badIn(path)(program).text() }

// WrongDir returns why a folder can't be a working directory, and what to do; "" if it can.
func WrongDir(dir string) string { return badDir(dir).text() }

func (f *fault) text() string {
	switch {
	case f == nil:
		return ""
	case f.hint == "":
		return f.message
	}
	return f.message + "; " + f.hint
}

func badDir(path string) *fault {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return &fault{message: "there is no directory " + path, hint: "create it, or leave dir out"}
	}
	return nil
}

const hintInstall = "install it, or correct the path"

// badPlugin returns why a plugin can't be started, nil if it can.
func badPlugin(path string) *fault {
	f := badProgram(path)
	if f != nil && f.hint == hintInstall {
		f.hint = "build or install it, or set plugin.path to where it is"
	}
	return f
}

// badIn returns a function that returns why a program can't be started, and nil if it can.
// A program without a slash is searched for in this PATH.
func badIn(path string) func(program string) *fault {
	return func(program string) *fault {
		found := FindProgram(program, path)
		if found == "" {
			return &fault{message: "there is no program " + quote(program) + " in PATH", hint: "write its full path, or install it"}
		}
		return badProgram(found)
	}
}

// badProgram returns why the program in a file can't be started, nil if it can.
func badProgram(program string) *fault {
	info, err := os.Stat(program)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &fault{message: "there is no file " + program, hint: hintInstall}
	case err != nil:
		return &fault{message: err.Error(), hint: hintInstall}
	case info.IsDir():
		return &fault{message: program + " is a directory, not a program", hint: hintInstall}
	case !info.Mode().IsRegular():
		return &fault{message: program + " is not a regular file", hint: hintInstall}
	case info.Mode()&0o111 == 0:
		return &fault{message: program + " is not executable", hint: "chmod +x " + program}
	}
	return nil
}
