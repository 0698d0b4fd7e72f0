package guard

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestAnErrorComesBackAsItIs(t *testing.T) {
	if err := Call(func() error { return nil }); err != nil {
		t.Errorf("got %v", err)
	}
	if err := Call(func() error { return io.EOF }); err != io.EOF { //nolint:errorlint // the very same
		t.Errorf("got %v", err)
	}
}

func TestAPanicIsAnErrorThatNamesItsPlace(t *testing.T) {
	for what, f := range map[string]func() error{
		"boom":         func() error { panic("boom") },
		io.EOF.Error(): func() error { panic(io.EOF) },
		"nil pointer":  func() error { var p *int; *p = 1; return nil },
		"out of range": func() error { return []error{nil}[len(three)] },
		"nil argument": func() error { panic(nil) },
		"nil map":      func() error { write(nil); return nil },
	} {
		err := Call(f)
		var caught *PanicError
		if !errors.As(err, &caught) {
			t.Fatalf("%s: got %v", what, err)
		}
		if !strings.HasPrefix(caught.Place, "guard_test.go:") || !strings.Contains(err.Error(), "panicked at guard_test.go:") {
			t.Errorf("%s: the place is %q, the error %q", what, caught.Place, err)
		}
		if !strings.Contains(string(caught.Stack), "guard_test.go") {
			t.Errorf("%s: the stack is %s", what, caught.Stack)
		}
	}
}

const three = "abc"

func write(m map[string]int) { m["x"] = 1 }
