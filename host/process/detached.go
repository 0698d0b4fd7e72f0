package process

import (
	"errors"
	"os"
	"syscall"
)

// StartDetached starts a process that lives on when this one ends: in a session of its own,
// without input and without pipes. Name is its argv[0]; empty for the name of the Program, or for
// Path if there is none. It goes through no helper, so Path has to be a file on which nobody can
// make the kernel wait: this process's own binary, or a Program that is a copy of it or of another
// one of ours. The error is a *StartError.
func StartDetached(spec Spec, name string) (*Handle, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, &StartError{Path: spec.Path, Err: err}
	}
	defer func() { _ = null.Close() }()
	env := spec.Env
	if env == nil {
		env = []string{} // nil would be this process's environment
	}
	path, called := spec.Path, spec.Path
	if spec.Program != nil {
		var free func()
		if path, called, free, err = spec.Program.startable(); err != nil {
			return nil, &StartError{Path: spec.Path, Err: err}
		}
		defer free()
	}
	if name == "" {
		name = called
	}
	hideDescriptors()
	proc, err := os.StartProcess(path, append([]string{name}, spec.Args...), &os.ProcAttr{
		Dir: spec.Dir, Env: env, Files: append([]*os.File{null, null, null}, spec.ExtraFiles...),
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, &StartError{Path: spec.Path, Err: err}
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
