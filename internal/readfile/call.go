package readfile

import (
	"context"
	"errors"
	"io/fs"
	"syscall"
	"time"
)

// op is what is done with a path.
type op uint8

const (
	opLook op = 1 + iota
	opExamine
	opRead
)

// request is one thing that is done with a path, here or in another process.
type request struct {
	ID     uint64
	Op     op
	Path   string
	Most   int64 // for opRead
	Within time.Duration
}

// response is what came of it.
type response struct {
	ID   uint64
	Info Info
	Data []byte
	Err  *failure

	err error // set in the process that asked
}

func (r response) info() (Info, error)   { return r.Info, r.err }
func (r response) data() ([]byte, error) { return r.Data, r.err }

// call does what is asked for: in the process that Outside has started, if there is one.
func call(ctx context.Context, r request) response {
	if o := outside.Load(); o != nil {
		if answer, ok := o.call(ctx, r); ok {
			return answer
		}
	}
	return r.do(ctx)
}

// do does it in this process.
func (r request) do(ctx context.Context) (out response) {
	switch r.Op {
	case opRead:
		out.Data, out.err = wait(ctx, r.Path, r.Within, func() ([]byte, error) { return readNow(r.Path, r.Most, r.Within) }, nil)
	default:
		out.Info, out.err = wait(ctx, r.Path, r.Within, func() (Info, error) { return look(r.Path, r.Op == opExamine) }, nil)
	}
	return out
}

// failure is an error as it is sent to another process.
type failure struct {
	Kind  failureKind
	Path  string
	Op    string // of a *fs.PathError
	Errno syscall.Errno
	What  string // of a *NotRegularError, or the text of an unknown error
	Most  int64
	After time.Duration
}

type failureKind uint8

const (
	failedUnknown failureKind = iota
	failedSystem
	failedKind
	failedSize
	failedHung
	failedLease
)

func failureOf(err error) *failure {
	var (
		kind   *NotRegularError
		large  *TooLargeError
		hung   *HungError
		leased *LeasedError
		path   *fs.PathError
		errno  syscall.Errno
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind):
		return &failure{Kind: failedKind, Path: kind.Path, What: kind.What}
	case errors.As(err, &large):
		return &failure{Kind: failedSize, Path: large.Path, Most: large.Most}
	case errors.As(err, &hung):
		return &failure{Kind: failedHung, Path: hung.Path, After: hung.After}
	case errors.As(err, &leased):
		return &failure{Kind: failedLease, Path: leased.Path, After: leased.After}
	case errors.As(err, &path) && errors.As(err, &errno):
		return &failure{Kind: failedSystem, Path: path.Path, Op: path.Op, Errno: errno}
	}
	return &failure{What: err.Error()}
}

func (f *failure) err() error {
	if f == nil {
		return nil
	}
	switch f.Kind {
	case failedKind:
		return &NotRegularError{Path: f.Path, What: f.What}
	case failedSize:
		return &TooLargeError{Path: f.Path, Most: f.Most}
	case failedHung:
		return &HungError{Path: f.Path, After: f.After}
	case failedLease:
		return &LeasedError{Path: f.Path, After: f.After}
	case failedSystem:
		return &fs.PathError{Op: f.Op, Path: f.Path, Err: f.Errno}
	}
	return errors.New(f.What)
}
