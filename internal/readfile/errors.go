package readfile

import (
	"fmt"
	"io/fs"
	"time"
)

// NotRegularError is returned for what is not a regular file.
type NotRegularError struct {
	Path string
	What string // such as "a directory"
}

// Error implements error.
func (e *NotRegularError) Error() string {
	return fmt.Sprintf("%s is %s, not a regular file", e.Path, e.What)
}

// TooLargeError is returned for a file that is larger than the caller accepts.
type TooLargeError struct {
	Path string
	Most int64 // bytes
}

// Error implements error.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s is larger than %s", e.Path, sizeText(e.Most))
}

// HungError is returned when a file system does not answer in time.
type HungError struct {
	Path  string
	After time.Duration
}

// Error implements error.
func (e *HungError) Error() string {
	return fmt.Sprintf("%s: its file system did not answer within %v; check what is mounted there", e.Path, roughly(e.After))
}

// Timeout reports that this is an error of time, as errors of package net do.
func (e *HungError) Timeout() bool { return true }

// LeasedError is returned when another process keeps a file from being opened, by a lease
// that it does not give back in time.
type LeasedError struct {
	Path  string
	After time.Duration
}

// Error implements error.
func (e *LeasedError) Error() string {
	return fmt.Sprintf("%s: another process has a lease on it and did not give it back within %v", e.Path, roughly(e.After))
}

// Timeout is as that of HungError.
func (e *LeasedError) Timeout() bool { return true }

func sizeText(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// kind returns what a file is, for people.
func kind(mode fs.FileMode) string {
	switch t := mode.Type(); {
	case t&fs.ModeDir != 0:
		return "a directory"
	case t&fs.ModeNamedPipe != 0:
		return "a pipe"
	case t&fs.ModeSocket != 0:
		return "a socket"
	case t&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// roughly leaves out what nobody wants to know of a duration.
func roughly(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d
}
