// Package guard turns a panic of somebody else's code into an error, in one form
// everywhere.
//
// It decides nothing: what a panic means, and who is told, is the caller's business.
package guard

import (
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

// PanicError is a panic that was caught.
type PanicError struct {
	Value string // what was panicked with, as text
	Place string // file and line that panicked, such as "probe.go:12"; "" if unknown
	Stack []byte // of the goroutine that panicked, for the log
}

// Error implements error. It has no stack: that is for the log.
func (e *PanicError) Error() string {
	if e.Place == "" {
		return "panicked: " + e.Value
	}
	return "panicked at " + e.Place + ": " + e.Value
}

// Call runs f and returns its error, or a *PanicError if it panicked.
func Call(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Value: fmt.Sprint(value), Place: place(), Stack: debug.Stack()}
		}
	}()
	return f()
}

// place finds the line that panicked. It must be called below the deferred function
// that recovered.
func place() string {
	pcs := make([]uintptr, 64)
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
