package sign

import (
	"context"
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testkit"
)

func TestAQuestionAtATerminal(t *testing.T) {
	for _, secret := range []bool{false, true} {
		person, program := testkit.Terminal(t)
		type answer struct {
			text string
			err  error
		}
		answered := make(chan answer, 1)
		c := NewTerminal(program, program)
		go func() {
			text, err := c.Ask(t.Context(), "Well? ", secret)
			answered <- answer{text, err}
		}()
		seen := make([]byte, 256)
		n, err := person.Read(seen) // the question: the echo is set by now
		if err != nil || string(seen[:n]) != "Well? " {
			t.Fatalf("showed %q: %v", seen[:n], err)
		}
		if _, err := person.WriteString("yes it is\nthe next line\n"); err != nil {
			t.Fatal(err)
		}
		if got := <-answered; got.err != nil || got.text != "yes it is" {
			t.Fatalf("got %q: %v", got.text, got.err)
		}
		n, err = person.Read(seen)
		if err != nil || strings.Contains(string(seen[:n]), "yes it is") == secret {
			t.Errorf("secret %v: showed %q: %v", secret, seen[:n], err)
		}
		if text, err := c.Ask(t.Context(), "", false); err != nil || text != "the next line" {
			t.Errorf("then got %q: %v", text, err)
		}
		before, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
		if err != nil || before.Lflag&unix.ECHO == 0 {
			t.Errorf("the echo stayed off: %v", err)
		}
	}
}

func TestAnInterruptEndsAQuestion(t *testing.T) {
	_, program := testkit.Terminal(t)
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	c := NewTerminal(program, program)
	go func() {
		_, err := c.Ask(ctx, "Well? ", true)
		ended <- err
	}()
	interrupt()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	state, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil || state.Lflag&unix.ECHO == 0 {
		t.Errorf("the echo stayed off: %v", err)
	}
}
