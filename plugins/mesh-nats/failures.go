package main

import (
	"sync"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// failuresMost is how many failures wait for the host: of more, the first are told.
const failuresMost = 64

// failures is what went wrong and the host is to record.
type failures struct {
	changed chan struct{}

	mu      sync.Mutex
	waiting []*meshosv1.FailureReport
}

func newFailures() *failures { return &failures{changed: make(chan struct{}, 1)} }

// add has the host record a failure.
func (f *failures) add(source, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) < failuresMost {
		f.waiting = append(f.waiting, &meshosv1.FailureReport{Source: source, Reason: reason})
		poke(f.changed)
	}
}

// take returns what is to be recorded since the last call.
func (f *failures) take() []*meshosv1.FailureReport {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.waiting
	f.waiting = nil
	return out
}
