package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// startWithin is the time in which all daemons have to run.
	startWithin = 2 * time.Minute
	// settle is how long after that it is measured.
	settle = 2 * time.Second
)

// Cost is what one run costs.
type Cost struct {
	Each   float64 `json:"each_kb"`   // private memory of a process of which there is one for each daemon
	Others float64 `json:"others_kb"` // of all others that supervise
	CPU    float64 `json:"cpu_s"`
}

// measure starts daemons, measures, and ends everything again.
func measure(ctx context.Context, s subject, n int) (c Cost, err error) {
	dir, err := os.MkdirTemp("", "supervise-")
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	command := []string{"/bin/sleep", strconv.Itoa(1_000_000_000 + os.Getpid())}
	cmd, n, err := s.prepare(dir, n, command)
	if err != nil {
		return c, err
	}
	cmd.Dir = dir
	before := used()
	if err := cmd.Start(); err != nil {
		return c, err
	}
	isDaemon := func(p process) bool { return slices.Equal(p.args, command) }
	family, err := awaitDaemons(ctx, isDaemon, n)
	err = errors.Join(err, endAll(cmd.Process.Pid))
	if err != nil {
		return c, err
	}
	c.CPU = used() - before
	count := 0
	for _, p := range family {
		switch {
		case isDaemon(p):
		case s.each(p):
			count++
			c.Each += float64(p.private)
		default:
			c.Others += float64(p.private)
		}
	}
	if count > 0 {
		c.Each /= float64(count)
	}
	if count != n {
		return c, fmt.Errorf("%d daemons run, and %d processes supervise one each", n, count)
	}
	return c, nil
}

// awaitDaemons waits until n daemons run, and returns all descendants of this process a moment
// later.
func awaitDaemons(ctx context.Context, isDaemon func(process) bool, n int) ([]process, error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	count := func() (have int, family []process) {
		family = descendants()
		for _, p := range family {
			if isDaemon(p) {
				have++
			}
		}
		return have, family
	}
	for {
		have, _ := count()
		if have >= n {
			break
		}
		if !sleep(ctx, 250*time.Millisecond) {
			return nil, fmt.Errorf("%d of %d daemons run: %w", have, n, ctx.Err())
		}
	}
	if !sleep(ctx, settle) {
		return nil, ctx.Err()
	}
	have, family := count()
	if have != n {
		return nil, fmt.Errorf("%d daemons run, not %d", have, n)
	}
	for i := range family {
		family[i].private = private(family[i].pid)
	}
	return family, nil
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// endAll kills all descendants of this process, the root first, so that it starts nothing
// again, and collects them.
func endAll(root int) error {
	_ = unix.Kill(root, unix.SIGKILL)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		for _, p := range descendants() {
			_ = unix.Kill(p.pid, unix.SIGKILL)
		}
		for {
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
			if errors.Is(err, unix.ECHILD) {
				return nil
			}
			if pid <= 0 {
				break
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("what was started does not end")
}

// used returns the CPU time of all children that were collected, in seconds.
func used() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(unix.RUSAGE_CHILDREN, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
