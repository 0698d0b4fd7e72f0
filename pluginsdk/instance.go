package pluginsdk

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// instance is one value that an author's constructor returned, with all that runs
// on it: calls, streams and its background work.
type instance struct {
	value any
	log   hclog.Logger

	// Three contexts, ended one after the other: streams when the instance is
	// replaced, calls when they took too long then, run when they are over.
	streams, calls, run                   context.Context
	cancelStreams, cancelCalls, cancelRun context.CancelFunc

	before  <-chan struct{} // closed when all before this one are gone; nil: none
	ran     chan struct{}   // closed when the background work ended
	retired chan struct{}   // closed when it and all before it are gone

	mu      sync.Mutex
	active  int           // calls and streams at work
	leaving bool          // no more of them will come
	idle    chan struct{} // closed when leaving and none is active
	runErr  error         // why the background work failed

	peersMu sync.Mutex // held while the instance is told its peers
	peers   []Peer
	told    bool
}

func newInstance(value any, log hclog.Logger) *instance {
	i := &instance{
		value: value, log: log,
		ran: make(chan struct{}), retired: make(chan struct{}), idle: make(chan struct{}),
	}
	i.streams, i.cancelStreams = context.WithCancel(context.Background())
	i.calls, i.cancelCalls = context.WithCancel(context.Background())
	i.run, i.cancelRun = context.WithCancel(context.Background())
	return i
}

// start begins the background work, once before is closed: the instance before has
// let go then of what both may need, a port, a file. retire waits for its end.
func (i *instance) start(before <-chan struct{}) {
	i.before = before
	runner, ok := i.value.(Runner)
	if !ok {
		close(i.ran)
		return
	}
	go func() {
		defer close(i.ran)
		select {
		case <-before:
		case <-i.run.Done():
			return
		}
		err := guarded("Run", i.log, func() error { return runner.Run(i.run) })
		if err == nil || i.run.Err() != nil {
			return
		}
		i.log.Error("the plugin's background work failed; every call fails until it is configured again",
			"error", err)
		i.mu.Lock()
		i.runErr = fmt.Errorf("the plugin's background work failed: %w", err)
		i.mu.Unlock()
	}()
}

// broken is why no call can be served, or nil.
func (i *instance) broken() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.runErr
}

func (i *instance) enter() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.active++
}

// release ends what acquire began.
func (i *instance) release() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.active--
	i.settle()
}

func (i *instance) settle() {
	if i.leaving && i.active == 0 {
		close(i.idle)
	}
}

// tell tells a PeerWatcher its peers, unless it knows them. With first it only
// does so if the instance was never told any.
func (i *instance) tell(peers []Peer, first bool) error {
	watcher, ok := i.value.(PeerWatcher)
	if !ok {
		return nil
	}
	i.peersMu.Lock()
	defer i.peersMu.Unlock()
	if i.told && (first || slices.Equal(i.peers, peers)) {
		return nil
	}
	err := guarded("SetPeers", i.log, func() error {
		watcher.SetPeers(slices.Clone(peers))
		return nil
	})
	i.peers, i.told = peers, err == nil
	return err
}

// retire ends the instance within about grace, whatever its author's code does.
// It is called once, by the owner, when acquire can't hand it out any more.
func (i *instance) retire(grace time.Duration) {
	defer close(i.retired)
	i.cancelStreams()
	i.mu.Lock()
	i.leaving = true
	i.settle()
	i.mu.Unlock()

	if !within(i.idle, grace/2) {
		i.log.Warn("calls of an old configuration take too long: cancelling them")
	}
	i.cancelCalls()
	i.cancelRun()
	closed := make(chan struct{})
	for _, step := range []struct {
		what string
		done <-chan struct{}
	}{{"a call", i.idle}, {"Run", i.ran}} {
		if !within(step.done, grace/4) {
			i.log.Warn("the plugin left something running", "what", step.what)
		}
	}
	go func() { // ends with the author's Close; one that hangs is said and left
		defer close(closed)
		closer, ok := i.value.(io.Closer)
		if !ok {
			return
		}
		if err := guarded("Close", i.log, closer.Close); err != nil {
			i.log.Warn("an old instance did not close cleanly", "error", err)
		}
	}()
	if !within(closed, grace/4) {
		i.log.Warn("the plugin left something running", "what", "Close")
	}
	if i.before != nil {
		<-i.before // has a bound of its own
	}
}

// within waits for done, at most d.
func within(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
