package main

import (
	"errors"
	"os"
	"sync"
)

// errRenew ends the seed's server so that it starts again without a replica.
var errRenew = errors.New("a rotten replica is dropped, to be copied anew")

// renewals are the folders that the seed's server loses before it starts again.
type renewals struct {
	wanted chan struct{}

	mu      sync.Mutex
	folders []string
}

func newRenewals() *renewals { return &renewals{wanted: make(chan struct{}, 1)} }

func (r *renewals) add(folders ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.folders = append(r.folders, folders...)
	poke(r.wanted)
}

// take returns the folders, once.
func (r *renewals) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.folders
	r.folders = nil
	select {
	case <-r.wanted:
	default:
	}
	return out
}

// removeAll removes folders with all that is in them.
func removeAll(folders []string) error {
	var errs []error
	for _, folder := range folders {
		errs = append(errs, os.RemoveAll(folder))
	}
	return errors.Join(errs...)
}
