package process

import (
	"context"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/process/order"
)

// startAlone starts a process without a helper, if this Spawner may and the process needs
// nothing that only a helper does. nil means that it did not start: a helper tries it again,
// and finds out why.
func (s *Spawner) startAlone(ctx context.Context, spec Spec, o order.Order) *Process {
	f, ok := s.forker.(*localForker)
	if !ok || !f.alone || !spec.plain() || ctx.Err() != nil {
		return nil
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil
	}
	defer func() { _ = null.Close() }()
	stdout, stdoutW, err := newPipe()
	if err != nil {
		return nil
	}
	defer func() { _ = stdoutW.Close() }()
	stderr, stderrW, err := newPipe()
	if err != nil {
		_ = stdout.Close()
		return nil
	}
	defer func() { _ = stderrW.Close() }()
	pid, err := f.execute(ctx, o, append([]*os.File{null, stdoutW, stderrW}, spec.ExtraFiles...))
	if err != nil {
		_, _ = stdout.Close(), stderr.Close()
		return nil
	}
	rest := newRestEnd(spec.Rest)
	rest.decide(true)
	p := newProcess(&localChild{pid: pid, rest: rest}, pid, stdout, stderr)
	s.children.Go(p.watch)
	return p
}

// plain reports whether a process is executed as this one is, but for its folder, its
// environment and its control group, and by nothing that could hang: until it is executed, the
// new process shares memory and descriptors with this one.
func (s Spec) plain() bool {
	return s.Local && s.Program == nil && len(s.Limits) == 0 && s.Rights == Rights{}
}

// execute starts the program of an order. The thread waits until it is executed.
func (f *localForker) execute(ctx context.Context, o order.Order, files []*os.File) (pid int, err error) {
	attr := dying()
	if o.Cgroup != "" {
		group, err := unix.Open(o.Cgroup, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return 0, os.NewSyscallError("open", err)
		}
		defer func() { _ = unix.Close(group) }()
		attr.UseCgroupFD, attr.CgroupFD = true, group
	}
	fds := make([]uintptr, len(files))
	for i, file := range files {
		fds[i] = file.Fd()
	}
	return f.onThread(ctx, func() (int, error) {
		hideDescriptors()
		pid, _, err := syscall.StartProcess(o.Path, o.Argv, &syscall.ProcAttr{Dir: o.Dir, Env: append([]string{}, o.Env...), Files: fds, Sys: attr})
		return pid, err
	})
}
