package sign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
)

// Prompter asks the person at the terminal.
type Prompter interface {
	// Ask shows a question and reads one line; secret keeps the answer off the screen.
	Ask(ctx context.Context, question string, secret bool) (string, error)
}

// NewTerminal returns a Prompter that asks at a terminal.
func NewTerminal(in *os.File, out io.Writer) Prompter { return &terminal{in: in, out: out} }

// terminal waits for input with poll instead of a blocking read: an interrupt has to end
// the question at once, without leaving a goroutine that would take the next line.
type terminal struct {
	in  *os.File
	out io.Writer
}

// Ask implements Prompter.
func (t *terminal) Ask(ctx context.Context, question string, secret bool) (string, error) {
	fd := int(t.in.Fd())
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
			_, _ = fmt.Fprintln(t.out)
		}()
	}
	if _, err := io.WriteString(t.out, question); err != nil {
		return "", err
	}
	var line []byte
	for {
		if err := readable(ctx, fd); err != nil {
			if !secret {
				_, _ = fmt.Fprintln(t.out)
			}
			return "", err
		}
		var b [1]byte
		n, err := t.in.Read(b[:])
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
	const interval = 100 // milliseconds between two looks at ctx
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, interval)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for the terminal: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
}

// Confirm asks for confirmation; verb is what happens then, "Sign" or "Send". A break-glass
// command is confirmed by typing its name. Without a Prompter the error is NobodyToAsk's.
func Confirm(ctx context.Context, p Prompter, c Command, verb string) error {
	if p == nil {
		return NobodyToAsk(c)
	}
	question := verb + " it? [y/N] "
	if c.BreakGlass {
		question = "Type " + c.Kind + " to " + strings.ToLower(verb) + " it: "
	}
	answer, err := p.Ask(ctx, question, false)
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return err
	}
	answer = strings.TrimSpace(answer)
	switch {
	case c.BreakGlass && answer == c.Kind, !c.BreakGlass && (strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")):
		return nil
	case c.BreakGlass && answer != "":
		return fmt.Errorf("%q is not %s: nothing was sent", view.Plain(answer), c.Kind)
	}
	return errors.New("not confirmed: nothing was sent")
}

// NobodyToAsk returns the error for a command that has to be confirmed where there is no
// terminal.
func NobodyToAsk(c Command) error {
	how := "use --yes to confirm it beforehand"
	if c.BreakGlass {
		how = "use --yes with --expect-hash HEX, the hash that --dry-run shows, to confirm it beforehand"
	}
	return &UsageError{fmt.Errorf("%s has to be confirmed, and there is no terminal\n    %s", c.Kind, how)}
}
