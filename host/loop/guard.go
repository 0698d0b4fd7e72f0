package loop

import (
	"fmt"
	"math/bits"
	"path/filepath"
	"runtime"
	"strings"
)

// panicError is a panic of foreign code that was caught.
type panicError struct {
	value string
	place string // "probe.go:12", empty if unknown
}

func (e *panicError) Error() string {
	if e.place == "" {
		return "panicked: " + e.value
	}
	return "panicked at " + e.place + ": " + e.value
}

// guarded runs foreign code and turns a panic into an error.
func guarded(fn func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value: fmt.Sprint(value), place: panicPlace()}
		}
	}()
	return fn()
}

// panicPlace finds the line that panicked. It must be called from the deferred
// function that recovered.
func panicPlace() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	panicking := false
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			panicking = true
		case panicking && !strings.HasPrefix(frame.Function, "runtime."):
			return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
		}
		if !more {
			return ""
		}
	}
}

// streak follows something that may fail again and again, so that a failure is
// reported once and not at every tick.
type streak struct {
	reason string
	length int
	told   int
}

// reasons is how many new reasons of one streak are reported, before those that never
// say the same twice are reported ever more seldom.
const reasons = 8

// failed counts a failure and says whether to report it: it is the first one, or
// the reason is new.
func (s *streak) failed(reason string) bool {
	fresh := s.length == 0 || reason != s.reason
	s.reason = reason
	s.length++
	if !fresh || s.told >= reasons && bits.OnesCount(uint(s.length)) != 1 {
		return false
	}
	s.told++
	return true
}

// ended ends the streak and says how long it was; 0 if there was none.
func (s *streak) ended() int {
	n := s.length
	*s = streak{}
	return n
}
