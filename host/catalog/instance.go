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

// How long the ladder of a stop stands on each rung.
const (
	termGrace  = 500 * time.Millisecond // after SIGTERM, before SIGKILL
	abortGrace = time.Second            // after SIGABRT, for the stack to be written
	giveUp     = 2 * time.Second        // for go-plugin's client to let go
	lastEvents = time.Second            // for what a dead process streamed to be taken
	callsAtOut = 64                     // calls that may be out at a time
)

// instance is one process of a plugin with its connection.
type instance struct {
	proc     *process.Process
	client   *goplugin.Client
	conn     *grpc.ClientConn
	lifeline *os.File // its end-of-file tells the plugin to go
	dir      string   // of its sockets
	path     string
	sha256   string
	started  time.Time

	ctx     context.Context // of its calls; ends with it
	cancel  context.CancelFunc
	calls   sync.WaitGroup // the calls that are out
	streams sync.WaitGroup // the streams that are open
	slots   chan struct{}  // one token per call that is out
	readers sync.WaitGroup // of stdout and stderr
	printed []*pluginlog.Writer

	version string
	schema  string
	noOp    bool
	kinds   []string

	peersTurn    chan struct{} // one token: who may tell it the peers
	peersVersion atomic.Uint64 // what it was told; written by who has the turn
	telling      atomic.Bool   // the slot's goroutine has it told again
	tellNext     time.Time     // when it may be told again; that goroutine's own, as is
	tellAgain    time.Duration // the pause after that

	out   atomic.Int64 // calls that are out, streams aside
	since time.Time    // by the clock that heard is measured with
	heard atomic.Int64 // when a call last came back, in ns after since
}

// stop ends the process in steps: lifeline, SIGTERM, SIGKILL, and frees what
// belonged to it. It returns when nothing is left of it, within patience + 3 s.
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

// free gives back what belonged to a process that has ended.
func (i *instance) free() process.Exit {
	i.lifeline.Close()
	within(lastEvents, i.streams.Wait)
	i.cancel()
	within(giveUp, i.client.Kill) // of a dead process: closes the connection
	i.calls.Wait()
	i.streams.Wait()
	i.readers.Wait()
	for _, w := range i.printed {
		w.Close()
	}
	os.RemoveAll(i.dir)
	return i.proc.Exit()
}

// lastWords waits a little for what a dead process wrote last to be read.
func (i *instance) lastWords() {
	within(100*time.Millisecond, i.readers.Wait)
}

// lostConnection says whether a call failed for the end of the connection, and not
// because the plugin said so. gRPC learns that a moment after the calls do.
func (i *instance) lostConnection() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Millisecond)
	defer cancel()
	return i.conn.WaitForStateChange(ctx, connectivity.Ready)
}

// unary and open are the groups that begin counts in.
func (i *instance) unary() *sync.WaitGroup { return &i.calls }

func (i *instance) open() *sync.WaitGroup { return &i.streams }

// within calls f, but waits for its end only so long.
func within(d time.Duration, f func()) {
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
