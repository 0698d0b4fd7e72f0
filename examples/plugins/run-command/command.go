package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// outputGrace is how long the output of a command is still read after the command has
// ended, for what is in the pipes and for processes that it left running.
const outputGrace = 500 * time.Millisecond

// command is one run of a program.
type command struct {
	words []string
	dir   string
	env   []string
	input []byte
	grace time.Duration // from SIGTERM to SIGKILL
}

// run runs the program to its end and passes every line of its output to said. The program
// has a process group of its own: when ctx ends, the group gets SIGTERM, and what is left
// of it at the end gets SIGKILL. The program does not outlive the plugin.
func (c command) run(ctx context.Context, said *listener) error {
	runtime.LockOSThread() // Pdeathsig counts from the thread that started it
	defer runtime.UnlockOSThread()

	cmd := exec.Command(c.words[0], c.words[1:]...)
	cmd.Dir, cmd.Env = c.dir, c.env
	cmd.Stdin = bytes.NewReader(c.input)
	out, errs := &lines{take: said.stdout}, &lines{take: said.stderr}
	cmd.Stdout, cmd.Stderr = out, errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = outputGrace
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { c.stop(ctx, cmd.Process.Pid, ended) })
	err := cmd.Wait()
	close(ended)
	watch.Wait()
	// What is left of its group. Usually that is nothing (ESRCH).
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	out.end()
	errs.end()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrWaitDelay): // it succeeded, and left a process running
		return nil
	}
	return err
}

// stop ends the group when ctx ends, unless the program ends before.
func (c command) stop(ctx context.Context, group int, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	_ = syscall.Kill(-group, syscall.SIGTERM) // it fails if the group is gone already
	timer := time.NewTimer(c.grace)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
}
