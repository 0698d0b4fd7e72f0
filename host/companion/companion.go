package companion

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/process"
)

const (
	// Name is the name of the program's file.
	Name = "meshos-shim"
	// VersionCommand is the argument with which the program prints its Line.
	VersionCommand = "version"
	// maxSize is far above the size that it has.
	maxSize = 64 << 20
	// within is the time for all of it.
	within = 5 * time.Second
)

// Line returns what the program of a version prints.
func Line(version string) string { return Name + " " + version }

// VersionError means that the program is not of the node's version.
type VersionError struct {
	Path      string
	Has, Want string
}

// Error implements error.
func (e *VersionError) Error() string {
	return fmt.Sprintf("%s is of another version than this node: it says %q, not %q; install those of one version", e.Path, e.Has, Line(e.Want))
}

// Options are what Open works with.
type Options struct {
	// Version is the version that the program has to have.
	Version string
	// Beside is the file beside which it is looked for; empty for our own binary.
	Beside string
	// Dir is where the copy is made if the system does not let this process execute memory.
	Dir string
}

// Open returns a copy of the program in memory, so that what is executed is what was examined,
// and the file can be replaced meanwhile. Close it. The error is a *VersionError, or one of
// process.Spawner's: a *process.LoadError that wraps fs.ErrNotExist if there is no such file.
func Open(ctx context.Context, o Options) (*process.Program, error) {
	if o.Beside == "" {
		var err error
		if o.Beside, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find %s: %w", Name, err)
		}
	}
	path := filepath.Join(filepath.Dir(o.Beside), Name)
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("it took longer than %v", within))
	defer cancel()
	spawner := process.NewSpawner()
	defer spawner.Close()
	program, err := spawner.Load(ctx, path, process.LoadOptions{MaxSize: maxSize, Dir: o.Dir})
	if err != nil {
		return nil, err
	}
	if err := check(ctx, spawner, program, path, o.Version); err != nil {
		program.Close()
		return nil, err
	}
	return program, nil
}

// check asks the program for its version.
func check(ctx context.Context, spawner *process.Spawner, program *process.Program, path, version string) error {
	p, err := spawner.Start(ctx, process.Spec{Path: path, Program: program, Args: []string{VersionCommand}})
	if err != nil {
		return err
	}
	defer func() { _, _ = p.Stdout().Close(), p.Stderr().Close() }()
	stop := context.AfterFunc(ctx, func() { _ = p.Stdout().Close() })
	defer stop()
	text, err := io.ReadAll(io.LimitReader(p.Stdout(), 256))
	p.Stop(ctx, syscall.SIGKILL, 0)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("ask %s for its version: %w", path, err)
	}
	if has := strings.TrimSpace(string(text)); has != Line(version) {
		return &VersionError{Path: path, Has: has, Want: version}
	}
	return nil
}
