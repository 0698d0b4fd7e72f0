package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"golang.org/x/sys/unix"
)

// prompter asks the person at the terminal.
type prompter interface {
	// ask shows a question and reads one line; secret keeps it off the screen.
	ask(ctx context.Context, question string, secret bool) (string, error)
}

// prompts gives who can be asked, or nil where nobody sits at a terminal.
func (a *app) prompts() prompter {
	if a.prompter != nil {
		return a.prompter
	}
	in, ok := a.in.(*os.File)
	if !ok || !terminal(in) || !terminal(a.err) {
		return nil
	}
	return &console{in: in, out: a.err}
}

// console asks at a terminal. It waits with poll, not with a read: an interrupt
// must end the question at once and leave nobody behind who eats the next line.
type console struct {
	in  *os.File
	out io.Writer
}

func (c *console) ask(ctx context.Context, question string, secret bool) (string, error) {
	fd := int(c.in.Fd())
	if secret {
		before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return "", fmt.Errorf("turn the terminal's echo off: %w", err)
		}
		quiet := *before
		quiet.Lflag &^= unix.ECHO
		if err := unix.IoctlSetTermios(fd, unix.TCSETS, &quiet); err != nil {
			return "", fmt.Errorf("turn the terminal's echo off: %w", err)
		}
		defer func() {
			_ = unix.IoctlSetTermios(fd, unix.TCSETS, before)
			_, _ = fmt.Fprintln(c.out)
		}()
	}
	if _, err := io.WriteString(c.out, question); err != nil {
		return "", err
	}
	var line []byte
	for {
		if err := readable(ctx, fd); err != nil {
			if !secret {
				_, _ = fmt.Fprintln(c.out)
			}
			return "", err
		}
		var b [1]byte
		n, err := c.in.Read(b[:])
		switch {
		case n == 1 && b[0] == '\n':
			return strings.TrimSuffix(string(line), "\r"), nil
		case n == 1:
			line = append(line, b[0])
		case errors.Is(err, io.EOF):
			return "", errors.New("the terminal was closed")
		case err != nil:
			return "", fmt.Errorf("read from the terminal: %w", err)
		}
		if len(line) > 4096 {
			return "", errors.New("the answer is too long")
		}
	}
}

// readable waits until there is something to read.
func readable(ctx context.Context, fd int) error {
	const patience = 100 // milliseconds until ctx is looked at again
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, patience)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for the terminal: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
}

// unconfirmedError is a command that its operator did not want after all.
type unconfirmedError struct{ why string }

func (e *unconfirmedError) Error() string { return e.why + ": nothing was sent" }

// confirm asks whether to go on: a break-glass command wants its name typed.
func (a *app) confirm(ctx context.Context, o order, verb string) error {
	who := a.prompts()
	if who == nil {
		return errNobodyToAsk(o)
	}
	question := verb + " it? [y/N] "
	if o.ice {
		question = "Type " + o.kind + " to " + strings.ToLower(verb) + " it: "
	}
	answer, err := who.ask(ctx, question, false)
	if err != nil && ctx.Err() != nil {
		return &unconfirmedError{why: "interrupted"}
	}
	if err != nil {
		return err
	}
	answer = strings.TrimSpace(answer)
	switch {
	case o.ice && answer == o.kind, !o.ice && (strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")):
		return nil
	case o.ice && answer != "":
		return &unconfirmedError{why: fmt.Sprintf("%q is not %s", view.Plain(answer), o.kind)}
	}
	return &unconfirmedError{why: "not confirmed"}
}

func errNobodyToAsk(o order) error {
	how := "--yes answers the question beforehand"
	if o.ice {
		how = "--yes with --expect-hash HEX, the hash that --dry-run shows, answers the question beforehand"
	}
	return &usageError{err: fmt.Errorf("%s has to be confirmed, and this is no terminal\n    %s", o.kind, how)}
}
