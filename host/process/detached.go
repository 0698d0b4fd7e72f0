package process

import (
	"errors"
	"os"
	"syscall"
)

// StartDetached starts a process that lives on when this one ends: in a session of its own,
// without input and without pipes. Name is its argv[0]; empty for Path. The error is a
// *StartError.
func StartDetached(spec Spec, name string) (*Handle, error) {
	if err := checkDir(spec.Dir); err != nil {
		return nil, err
	}
	path, err := spec.executable()
	if err != nil {
		return nil, &StartError{Path: spec.Path, Err: err}
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, &StartError{Path: spec.Path, Err: err}
	}
	defer func() { _ = null.Close() }()
	attr := spec.attr(null, null, null)
	attr.Sys = &syscall.SysProcAttr{Setsid: true}
	if name == "" {
		name = spec.Path
	}
	hideDescriptors()
	proc, err := os.StartProcess(path, append([]string{name}, spec.Args...), attr)
	if err != nil {
		return nil, startError(spec, err)
	}
	// Until the child is released here nobody can reap it, so its pid is not reused.
	id, err := Identify(proc.Pid)
	var h *Handle
	if err == nil {
		h, err = Open(id)
	}
	if err != nil {
		_ = proc.Kill()
		_, _ = proc.Wait()
		return nil, &StartError{Path: spec.Path, Err: err}
	}
	return h, errors.Join(proc.Release())
}
