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

// instance is one value that an author's constructor returned, with everything that
// uses it: calls, streams and its background work.
type instance struct {
	value any
	log   hclog.Logger

	// Three contexts that end one after the other: streams when the instance is
	// replaced, calls when they take too long after that, run after the calls.
	streams, calls, run                   context.Context
	cancelStreams, cancelCalls, cancelRun context.CancelFunc

	before  <-chan struct{} // closed when all instances before this one are gone; nil: none
	ran     chan struct{}   // closed when the background work ended
	retired chan struct{}   // closed when this instance and all before it are gone

	mu      sync.Mutex
	active  int           // calls and streams that run
	leaving bool          // no more of them will start
	idle    chan struct{} // closed when leaving and none runs
	runErr  error         // why the background work failed

	peersMu  sync.Mutex // held while SetPeers runs
	peers    []Peer
	hasPeers bool
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

// start starts the background work once before is closed: by then the instance before
// has released what both may need, such as a port or a file. retire waits for its end.
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

// broken returns why no call can be served, or nil.
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

// release ends what Server.acquire began.
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

// setPeers calls SetPeers of a PeerWatcher, unless it has these peers already. With first
// it does so only if SetPeers was not called before.
func (i *instance) setPeers(peers []Peer, first bool) error {
	watcher, ok := i.value.(PeerWatcher)
	if !ok {
		return nil
	}
	i.peersMu.Lock()
	defer i.peersMu.Unlock()
	if i.hasPeers && (first || slices.Equal(i.peers, peers)) {
		return nil
	}
	err := guarded("SetPeers", i.log, func() error {
		watcher.SetPeers(slices.Clone(peers))
		return nil
	})
	i.peers, i.hasPeers = peers, err == nil
	return err
}

// retire ends the instance within about grace, whatever its author's code does.
// It is called once, after the instance was replaced or the server closed.
func (i *instance) retire(grace time.Duration) {
	defer close(i.retired)
	i.cancelStreams()
	i.mu.Lock()
	i.leaving = true
	i.settle()
	i.mu.Unlock()

	if !within(i.idle, grace/2) {
		i.log.Warn("calls with the old configuration take too long and are cancelled")
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
	go func() { // ends with the author's Close; one that hangs is logged and left
		defer close(closed)
		closer, ok := i.value.(io.Closer)
		if !ok {
			return
		}
		if err := guarded("Close", i.log, closer.Close); err != nil {
			i.log.Warn("Close of an old instance failed", "error", err)
		}
	}()
	if !within(closed, grace/4) {
		i.log.Warn("the plugin left something running", "what", "Close")
	}
	if i.before != nil {
		<-i.before // which is limited in the same way
	}
}

// within waits for done, at most for d, and reports whether it came.
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
