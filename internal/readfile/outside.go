package readfile

import (
	"context"
	"encoding/gob"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// outside is the process that touches paths for this one; nil for none. It is one for the
// process, as what hangs is.
var outside atomic.Pointer[reader]

// slack is what the other process may need beside the time of the file system.
const slack = time.Second

// endWait is how long stop waits for the end of the process.
const endWait = 200 * time.Millisecond

// reader is a process of our own binary that looks at paths and reads files. What hangs in the
// kernel hangs there: a thread of this process that hangs would keep it from ending.
type reader struct {
	mu     sync.Mutex
	link   *link // nil while there is no process
	closed bool
}

// link is one such process.
type link struct {
	conn net.Conn
	out  *gob.Encoder
	done chan struct{} // closed when it has no more answers
	// ended is closed when the process has ended, which one that hangs does not.
	ended chan struct{}

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan response
}

// Outside has another process, of our own binary, look at paths and read files for this one
// (Look, Examine, Read): a process of which a thread hangs in the kernel can't end. The
// process is started again when somebody killed it, and ends with this one, or when stop is
// called.
func Outside() (stop func(), err error) {
	r := &reader{}
	if _, err := r.connect(); err != nil {
		return nil, err
	}
	outside.Store(r)
	return func() {
		outside.CompareAndSwap(r, nil)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.closed = true
		if r.link != nil {
			_ = r.link.conn.Close()
			<-r.link.done
			// It executes our own binary, which may be about to be replaced.
			select {
			case <-r.link.ended:
			case <-time.After(endWait):
			}
		}
	}, nil
}

// call has the process do it; false if there is none.
func (r *reader) call(ctx context.Context, q request) (response, bool) {
	named := q.Path
	var err error
	if q.Path, err = filepath.Abs(named); err != nil { // the process has another folder
		return response{}, false
	}
	for range 2 { // it may have been killed since the last time
		l, err := r.connect()
		if err != nil {
			return response{}, false
		}
		answer, ok := l.call(ctx, q)
		if !ok {
			continue
		}
		if f := answer.Err; f != nil && f.Path == q.Path {
			f.Path = named
			answer.err = f.err()
		}
		return answer, true
	}
	return response{}, false
}

// connect returns the process, which it starts if there is none.
func (r *reader) connect() (*link, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, net.ErrClosed
	}
	if r.link != nil {
		select {
		case <-r.link.done:
		default:
			return r.link, nil
		}
	}
	l, err := startReader()
	if err != nil {
		return nil, fmt.Errorf("the process that reads files: %w", err)
	}
	r.link = l
	return l, nil
}

func startReader() (*link, error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	mine, theirs := os.NewFile(uintptr(pair[0]), "reader"), os.NewFile(uintptr(pair[1]), "reader")
	defer func() { _, _ = mine.Close(), theirs.Close() }()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = null.Close() }()
	conn, err := net.FileConn(mine)
	if err != nil {
		return nil, err
	}
	proc, err := os.StartProcess("/proc/self/exe", []string{"meshos", readerCommand}, &os.ProcAttr{
		// What hangs must not keep the end of our standard error from whoever reads it.
		Dir: "/", Env: []string{"GOMAXPROCS=1"}, Files: []*os.File{null, null, null, theirs},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	l := &link{conn: conn, out: gob.NewEncoder(conn), done: make(chan struct{}), ended: make(chan struct{}), waiting: make(map[uint64]chan response)}
	go func() { // it ends with its socket, except for what hangs in it
		defer close(l.ended)
		_, _ = proc.Wait()
	}()
	go l.receive()
	return l, nil
}

// receive hands over answers until there are no more.
func (l *link) receive() {
	defer close(l.done)
	defer func() { _ = l.conn.Close() }()
	in := gob.NewDecoder(l.conn)
	for {
		var answer response
		if in.Decode(&answer) != nil {
			return
		}
		answer.err = answer.Err.err()
		l.mu.Lock()
		asked := l.waiting[answer.ID]
		delete(l.waiting, answer.ID)
		l.mu.Unlock()
		if asked != nil {
			asked <- answer
		}
	}
}

// call sends a request and waits for its answer; false if the process is gone.
func (l *link) call(ctx context.Context, q request) (response, bool) {
	asked := make(chan response, 1)
	l.mu.Lock()
	l.next++
	q.ID = l.next
	l.waiting[q.ID] = asked
	_ = l.conn.SetWriteDeadline(time.Now().Add(slack))
	err := l.out.Encode(q)
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.waiting, q.ID)
	}()
	if err != nil {
		_ = l.conn.Close() // half a request may be in it
		return response{}, false
	}
	timer := time.NewTimer(q.Within + slack)
	defer timer.Stop()
	select {
	case answer := <-asked:
		return answer, true
	case <-l.done:
		return response{}, false
	case <-timer.C:
		return response{err: &HungError{Path: q.Path, After: q.Within}}, true
	case <-ctx.Done():
		return response{err: giveUp(ctx, q.Path)}, true
	}
}
