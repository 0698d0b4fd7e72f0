package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// attack is one attack on a node.
type attack struct {
	name string
	what string // in a sentence
	// kinds are what the attacker's entry asks for; more adds keys to the entry.
	kinds []string
	more  string
	// file makes the plugin's file in dir, in place of the attacker's binary; end undoes
	// what it did.
	file func(dir, attacker string) (path string, end func(), err error)
}

func attacks() []attack {
	return []attack{
		{name: "none", what: "nothing: the figures of an idle node to compare with", kinds: []string{"locality_probe"}},
		{name: "hang", what: "a probe that never answers", kinds: []string{"locality_probe"}},
		{name: "crash-loop", what: "a plugin that ends at each call", kinds: []string{"locality_probe"}},
		{name: "stopped", what: "a plugin that stops itself", kinds: []string{"locality_probe"}},
		{name: "lies", what: "samples of a million peers, impossible times", kinds: []string{"locality_probe"}},
		{name: "empty-items", what: "4 MiB of empty items at each call", kinds: []string{"inventory_probe"}},
		{name: "stdout-flood", what: "endless lines on stdout", kinds: []string{"locality_probe"}},
		{name: "stderr-flood", what: "endless lines on stderr", kinds: []string{"locality_probe"}},
		{name: "broker-flood", what: "endless frames on go-plugin's broker stream", kinds: []string{"locality_probe"}},
		{name: "stdio-flood", what: "endless frames on go-plugin's stdio stream", kinds: []string{"locality_probe"}},
		{name: "entities", what: "events of millions of chains, peers and daemons", kinds: []string{"event_source"}},
		{name: "log-events", what: "endless log lines as events", kinds: []string{"event_source"}},
		{name: "unsigned-orders", what: "endless unsigned orders as events", kinds: []string{"event_source"}, more: `events = ["admin"]`},
		{name: "recovery-orders", what: "2,000 unsigned orders at each call of a recovery handler", kinds: []string{"recovery_handler"}},
		{name: "leaves-group", what: "children in sessions of their own, which reset their death signal", kinds: []string{"locality_probe"}},
		{name: "lease", what: "a file whose exec waits for a lease", kinds: []string{"locality_probe"}, file: leased},
		{name: "sparse", what: "a file of 300 GB", kinds: []string{"locality_probe"}, file: sparse},
		{name: "fifo", what: "a FIFO in place of the file", kinds: []string{"locality_probe"}, file: fifo},
		{name: "swap", what: "a file that is replaced all the time", kinds: []string{"locality_probe"}, file: swapped},
	}
}

// leased makes a plugin on which the kernel makes exec wait: a lease on it is held and
// never given back.
func leased(dir, attacker string) (string, func(), error) {
	path, err := copied(dir, attacker)
	if err != nil {
		return "", nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", nil, err
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		_ = f.Close()
		return "", nil, fmt.Errorf("lease on %s: %w", path, err)
	}
	return path, func() { _ = f.Close() }, nil
}

func sparse(dir, _ string) (string, func(), error) {
	path := filepath.Join(dir, "sparse")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = f.Close() }()
	return path, func() {}, f.Truncate(300 << 30)
}

// fifo makes a plugin that crashes, and puts a FIFO in its place while it runs, so that
// its next start meets the FIFO.
func fifo(dir, attacker string) (string, func(), error) {
	path, err := copied(dir, attacker)
	if err != nil {
		return "", nil, err
	}
	other := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(other, 0o700); err != nil {
		return "", nil, err
	}
	swap := time.AfterFunc(time.Second, func() { _ = os.Rename(other, path) })
	return path, func() { swap.Stop() }, nil
}

// swapped makes a plugin whose file is renamed over by another one, again and again.
func swapped(dir, attacker string) (string, func(), error) {
	path, err := copied(dir, attacker)
	if err != nil {
		return "", nil, err
	}
	other := filepath.Join(dir, "other")
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		pause := time.NewTicker(time.Millisecond)
		defer pause.Stop()
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-pause.C:
			}
			text := fmt.Sprintf("#!/bin/sh\necho %s >&2\nexit 3\n", strings.Repeat("swapped ", n%3+1))
			if os.WriteFile(other, []byte(text), 0o700) == nil { //nolint:gosec // it is a program
				_ = os.Rename(other, path)
			}
		}
	}()
	return path, func() { close(stop); <-done }, nil
}

func copied(dir, attacker string) (string, error) {
	raw, err := os.ReadFile(attacker)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "plugin")
	// A process that is being started would have the file open for writing.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return path, os.WriteFile(path, raw, 0o700) //nolint:gosec // it is a program
}
