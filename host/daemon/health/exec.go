package health

import (
	"context"
	"io"
	"strings"
	"sync"
	"syscall"

	"github.com/meshos/meshos/host/process"
)

const maxLine = 1 << 10 // of what a program prints, in bytes

// Exec asks by running a program: exit status 0 is good. The program and everything
// it started are killed when the time is over. While one hangs in the kernel and
// can't be killed no other is started.
func Exec(spawner *process.Spawner, spec process.Spec) Probe {
	var before *process.Process
	return ProbeFunc(func(ctx context.Context) Answer {
		if before != nil {
			select {
			case <-before.Done():
			default:
				return Answer{Failure: "the last check hangs and can't be killed"}
			}
		}
		proc, err := spawner.Start(ctx, spec)
		if err != nil {
			return Answer{Failure: err.Error()}
		}
		before = proc
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
			answer.Saturation, answer.Said = saturation(text)
		}
		if exit := proc.Exit(); !exit.Clean() {
			answer.Failure = exit.String()
			if last := errs; last != "" {
				answer.Failure += ": " + last
			} else if out != "" && !answer.Said {
				answer.Failure += ": " + out
			}
		}
		return answer
	})
}

// lastLine reads everything and keeps the last line that is not empty.
func lastLine(from io.Reader) (last string) {
	process.ReadLines(from, maxLine, func(line string, _ bool) {
		if line = strings.TrimSpace(line); line != "" {
			last = line
		}
	})
	return last
}
