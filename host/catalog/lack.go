package catalog

import (
	"errors"
	"syscall"

	"github.com/meshos/meshos/host/process"
)

// lack returns what this node lacks if that is the cause of an error of the system, with
// what to do about it; else "". It is not the plugin's fault.
func lack(err error) (what, remedy string) {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return "", ""
	}
	switch errno {
	case syscall.EMFILE:
		return "this node can't open more files", "raise its limit of open files (ulimit -n, or LimitNOFILE in its unit)"
	case syscall.ENFILE:
		return "this machine can't open more files", "raise fs.file-max, and see who has so many open"
	case syscall.ENOMEM:
		return "this machine lacks memory", "see who uses it"
	case syscall.ENOSPC, syscall.EDQUOT:
		return "a file system is full", "make room on it"
	case syscall.EAGAIN: // of a file that is opened it would mean a lease
		if start := (*process.StartError)(nil); errors.As(err, &start) {
			return "this node can't start more processes", "raise its limit of processes (ulimit -u, or TasksMax in its unit)"
		}
	}
	return "", ""
}

// openFiles returns EMFILE or ENFILE if this process can't open a file now. go-plugin and
// gRPC keep of such an error only its text, in which the plugin has a say.
func openFiles() error {
	fd, err := syscall.Open("/", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	_ = syscall.Close(fd)
	return nil
}

// hostError returns an error that is not the plugin's fault: this node or machine lacks
// something.
func (s *slot) hostError(step, problem, remedy string, err error) *Error {
	e := s.newError(step, problem, remedy, err)
	e.Host = true
	return e.orLack()
}

// orLack returns an error as it is, or as one of the host if the host lacks something.
func (e *Error) orLack() *Error {
	what, remedy := lack(e.Err)
	if what == "" {
		return e
	}
	return &Error{Plugin: e.Plugin, Step: e.Step, Problem: e.Problem + ": " + what, Remedy: remedy, Host: true, Err: e.Err}
}
