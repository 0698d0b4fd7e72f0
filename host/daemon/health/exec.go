package health

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"

	"github.com/meshos/meshos/host/process"
)

const maxLine = 1 << 10 // bytes of a line that a program prints

// Exec checks by running a program: exit status 0 is good. Each check asks anew what to run,
// so that a program that is installed later is found. When the time is over, the program and
// everything it started are killed. While one hangs in the kernel and can't be killed, no
// other is started. A program that is not found or can't be started says nothing of the daemon.
func Exec(spawner *process.Spawner, what func(context.Context) (process.Spec, error)) Probe {
	var previous *process.Process
	return ProbeFunc(func(ctx context.Context) Answer {
		if previous != nil {
			select {
			case <-previous.Collected():
			default:
				return Answer{Failure: "the previous check hangs and can't be killed"}
			}
		}
		spec, err := what(ctx)
		if err != nil {
			return Answer{Impossible: err.Error()}
		}
		proc, err := spawner.Start(ctx, spec)
		if abandoned := (*process.AbandonedError)(nil); errors.As(err, &abandoned) {
			previous = abandoned.Process
		}
		if start := (*process.StartError)(nil); errors.As(err, &start) && mistaken(start.Cause) {
			return Answer{Impossible: start.Path + ": " + start.Reason() + "; install it, or correct the command of the check"}
		}
		if err != nil {
			return Answer{Failure: err.Error()}
		}
		previous = proc
		var out, errs string
		var readers sync.WaitGroup
		readers.Go(func() { out = lastLine(proc.Stdout()) })
		readers.Go(func() { errs = lastLine(proc.Stderr()) })
		select {
		case <-proc.Done():
		case <-ctx.Done():
			proc.Stop(ctx, syscall.SIGKILL, 0)
			_ = proc.Stdout().Close()
			_ = proc.Stderr().Close()
		}
		readers.Wait()
		var answer Answer
		if text, ok := strings.CutPrefix(out, "saturation="); ok {
			answer.Saturation, answer.HasSaturation = saturation(text)
		}
		if exit := proc.Exit(); !exit.Clean() {
			answer.Failure = exit.String()
			if last := errs; last != "" {
				answer.Failure += ": " + last
			} else if out != "" && !answer.HasSaturation {
				answer.Failure += ": " + out
			}
		}
		return answer
	})
}

// mistaken reports whether a program can't be started for a reason that lasts until somebody
// mends the entry, or what it points at.
func mistaken(c process.Cause) bool {
	switch c {
	case process.CauseNotFound, process.CauseNotExecutable, process.CausePermission, process.CauseInterpreter, process.CauseDir:
		return true
	case process.CauseBusy, process.CauseOther:
	}
	return false
}

// lastLine reads everything and returns the last line that is not empty.
func lastLine(from io.Reader) (last string) {
	process.ReadLines(from, maxLine, func(line string, _ bool) {
		if line = strings.TrimSpace(line); line != "" {
			last = line
		}
	})
	return last
}
