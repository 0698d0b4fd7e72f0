package main

import (
	"fmt"
	"time"
)

// figures are what the node and its shims take.
type figures struct {
	descriptors, processes, shimDescriptors int
	memory, shimMemory                      uint64
}

// What may be more than at the first peace.
const (
	moreDescriptors = 20
	moreProcesses   = 6 // checks that run just now
	moreMemory      = 128 << 20
	mostOfShim      = 40
	mostMemory      = 32 << 20
)

func (s *stage) measure() figures {
	found := s.look()
	f := figures{descriptors: descriptors(s.node.Process.Pid), memory: private(s.node.Process.Pid)}
	for role, list := range found.byRole {
		if role != "check" && role != "child" { // those may be killed, or left
			f.processes += len(list)
		}
	}
	for _, p := range found.byRole["shim"] {
		f.shimDescriptors = max(f.shimDescriptors, descriptors(p.pid))
		f.shimMemory = max(f.shimMemory, private(p.pid))
	}
	return f
}

// flat compares what is taken with the first peace in which all ran.
func (s *stage) flat() error {
	var wrong error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if s.last = s.measure(); s.first == nil {
			s.first = &s.last
		}
		if wrong = s.last.beside(*s.first); wrong == nil {
			first := *s.first
			s.first = &first
			return nil
		}
	}
	return wrong
}

func (f figures) beside(first figures) error {
	switch {
	case f.descriptors > first.descriptors+moreDescriptors:
		return fmt.Errorf("the node has %d descriptors, had %d at first", f.descriptors, first.descriptors)
	case f.processes > first.processes+moreProcesses:
		return fmt.Errorf("there are %d processes, were %d at first", f.processes, first.processes)
	case f.memory > first.memory+moreMemory:
		return fmt.Errorf("the node has %d MiB, had %d at first", f.memory>>20, first.memory>>20)
	case f.shimDescriptors > mostOfShim:
		return fmt.Errorf("a shim has %d descriptors", f.shimDescriptors)
	case f.shimMemory > mostMemory:
		return fmt.Errorf("a shim has %d MiB", f.shimMemory>>20)
	}
	return nil
}

// told says in a line how it was.
func (s *stage) told() string {
	cut := 0
	for _, d := range s.daemons {
		cut += d.cut
	}
	return fmt.Sprintf("%d things done, %d nodes and %d shims killed, the disk full %d times; %d lines recorded, %d suppressed, %d lost and said; "+
		"the node has %d descriptors and %d MiB, the largest shim %d and %d MiB, %d processes", len(s.history.lines), len(s.ends), cut, len(s.full),
		s.printed.recorded, s.printed.suppressed, s.printed.said, s.last.descriptors, s.last.memory>>20, s.last.shimDescriptors, s.last.shimMemory>>20, s.last.processes)
}
