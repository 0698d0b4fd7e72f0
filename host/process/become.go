package process

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Become executes our own binary anew in place of this process, which keeps its pid and its
// children. The processes of a Spawner die with
// the thread that started them, so it is that thread which goes on. The files keep their
// numbers. It returns only if it fails.
func (s *Spawner) Become(args, env []string, files ...uintptr) error {
	local, ok := s.forker.(*localForker)
	if !ok {
		return fmt.Errorf("become the program anew: %w", os.ErrInvalid)
	}
	for _, fd := range files {
		if _, err := unix.FcntlInt(fd, unix.F_SETFD, 0); err != nil {
			return os.NewSyscallError("fcntl", err)
		}
		defer unix.CloseOnExec(int(fd))
	}
	err := error(ErrSpawnerClosed)
	local.do(func() { err = os.NewSyscallError("execve", syscall.Exec(self, args, env)) })
	return err
}

// Descriptors returns the numbers of the read ends of its pipes, for Become. They are valid as
// long as nobody reads the output to its end or closes it.
func (p *Process) Descriptors() (stdout, stderr uintptr, err error) {
	if stdout, err = p.stdout.descriptor(); err == nil {
		stderr, err = p.stderr.descriptor()
	}
	return stdout, stderr, err
}

func (p *pipe) descriptor() (fd uintptr, err error) {
	raw, err := p.file.SyscallConn()
	if err == nil {
		err = raw.Control(func(n uintptr) { fd = n })
	}
	return fd, err
}

// Resume takes over a child that this process started before it called Become, with its pipes.
// Rest is as that of a Spec.
func Resume(pid int, stdout, stderr uintptr, rest func()) *Process {
	end := newRestEnd(rest)
	end.decide(true)
	p := newProcess(&localChild{pid: pid, rest: end}, pid, resumedPipe(stdout), resumedPipe(stderr))
	go p.watch()
	return p
}

func resumedPipe(fd uintptr) *pipe {
	unix.CloseOnExec(int(fd))
	_ = unix.SetNonblock(int(fd), true) // for the runtime's poller
	return &pipe{file: os.NewFile(fd, "|0"), ended: make(chan struct{})}
}
