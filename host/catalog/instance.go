package catalog

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/meshos/meshos/host/catalog/pluginlog"
	"github.com/meshos/meshos/host/process"
)

const (
	termGrace    = 500 * time.Millisecond // after SIGTERM, before SIGKILL
	abortGrace   = time.Second            // after SIGABRT, for the stack to be written
	closeTimeout = 2 * time.Second        // for go-plugin's client to close
	streamGrace  = time.Second            // for what a dead process streamed to be read
	maxCalls     = 64                     // in flight at a time, streams included
)

// instance is one process of a plugin with its connection.
type instance struct {
	proc     *process.Process
	client   *goplugin.Client
	conn     *grpc.ClientConn
	lifeline *os.File               // its end-of-file tells the plugin to end
	dir      string                 // of its sockets
	socket   atomic.Pointer[socket] // nil until its handshake has come

	ctx     context.Context // of its calls; ends when it is freed
	cancel  context.CancelFunc
	calls   sync.WaitGroup // calls in flight
	streams sync.WaitGroup // open streams
	tokens  chan struct{}  // one for each call in flight and each open stream
	workers *workers       // run the calls
	readers sync.WaitGroup // of stdout and stderr
	printed []*pluginlog.Writer

	entry   *Entry   // what it was started for
	program *program // what it executes

	// What it said of itself.
	version       string
	schema        string
	noOp          bool
	kinds         []string
	schemes       []string // of the health targets that it checks
	probesNow     bool     // it can be asked to measure a peer now
	mindsTimeout  bool     // it needs no gRPC deadline
	scorerVersion int      // of placement_scorer
	notice        string   // what its entry lacks of what it serves

	peers *sentPeers

	pending    atomic.Int64 // calls in flight, streams aside
	created    time.Time    // lastActive counts from here
	lastActive atomic.Int64 // when a call returned last, in ns
}

// newInstance returns an instance whose process is about to be started.
func newInstance(lifeline *os.File, socketDir string) *instance {
	i := &instance{
		lifeline: lifeline, dir: socketDir, created: time.Now(),
		tokens: make(chan struct{}, maxCalls), peers: &sentPeers{sending: make(chan struct{}, 1)},
	}
	i.ctx, i.cancel = context.WithCancel(context.Background())
	i.workers = newWorkers(i.ctx)
	return i
}

// stop ends the process in steps (lifeline, SIGTERM, SIGKILL) and frees what belonged to
// it. It returns when nothing of it is left, within patience + 3 s.
func (i *instance) stop(patience time.Duration) process.Exit {
	i.lifeline.Close()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-i.proc.Done():
	case <-timer.C:
	}
	i.proc.Stop(context.Background(), syscall.SIGTERM, termGrace)
	return i.free()
}

// abort makes a process that hangs write its stack and end.
func (i *instance) abort() process.Exit {
	i.proc.Stop(context.Background(), syscall.SIGABRT, abortGrace)
	return i.free()
}

// free releases what belonged to a process that has ended.
func (i *instance) free() process.Exit {
	i.lifeline.Close()
	waitAtMost(streamGrace, i.streams.Wait)
	i.cancel()
	waitAtMost(closeTimeout, i.client.Kill) // the process is dead: this closes the connection
	i.calls.Wait()
	i.workers.wait()
	i.streams.Wait()
	i.readers.Wait()
	i.freeFiles()
	return i.proc.Exit()
}

// freeUnstarted releases what belonged to a process that could not be started.
func (i *instance) freeUnstarted() {
	i.lifeline.Close()
	i.cancel()
	waitAtMost(closeTimeout, i.client.Kill)
	i.freeFiles()
}

func (i *instance) freeFiles() {
	for _, w := range i.printed {
		w.Close()
	}
	if s := i.socket.Load(); s != nil {
		s.close()
	}
	os.RemoveAll(i.dir)
}

// awaitOutput waits a little until what a dead process wrote last is read.
func (i *instance) awaitOutput() {
	waitAtMost(100*time.Millisecond, i.readers.Wait)
}

// lostConnection reports whether a call failed because the connection ended, and not
// because the plugin returned an error. gRPC learns of it a moment after the calls do.
func (i *instance) lostConnection() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Millisecond)
	defer cancel()
	return i.conn.WaitForStateChange(ctx, connectivity.Ready)
}

// unary and streaming are the groups that reserve adds calls to.
func (i *instance) unary() *sync.WaitGroup { return &i.calls }

func (i *instance) streaming() *sync.WaitGroup { return &i.streams }

// touch notes that the process was called, or has answered.
func (i *instance) touch(now time.Time) { i.lastActive.Store(int64(now.Sub(i.created))) }

// idleSince returns when the process was called or answered last.
func (i *instance) idleSince() time.Time {
	return i.created.Add(time.Duration(i.lastActive.Load()))
}

// waitAtMost calls f, and returns when f does or after d.
func waitAtMost(d time.Duration, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
