package pluginsdk

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/stats"
)

// stdio makes prints harmless. Standard output belongs to the handshake, and go-plugin
// replaces os.Stdout and os.Stderr by pipes that block the program if nobody reads them
// over gRPC. With stdio, everything that an author, a C library or a child process
// prints goes to the real standard error, which the host always reads.
type stdio struct {
	errors *os.File // the real standard error
	saved  *os.File // the real standard output; kept open, so that the host sees no end
	once   sync.Once
	first  chan struct{} // closed at the first connection
}

// takeStdio points descriptor 1 at standard error and keeps the real standard output for
// the handshake, as os.Stdout. It is called before author code runs.
func takeStdio() (*stdio, error) {
	const above = 10 // above the descriptors that a host passes
	fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, above)
	if err != nil {
		return nil, fmt.Errorf("keep standard output for the handshake: %w", err)
	}
	if err := unix.Dup2(2, 1); err != nil {
		return nil, fmt.Errorf("point standard output at standard error: %w", err)
	}
	s := &stdio{errors: os.Stderr, saved: os.NewFile(uintptr(fd), "stdout"), first: make(chan struct{})}
	os.Stdout = s.saved
	return s, nil
}

// connected reports whether a host has connected.
func (s *stdio) connected() bool {
	select {
	case <-s.first:
		return true
	default:
		return false
	}
}

// met is called for each connection. At the first, go-plugin has written its handshake and replaced
// os.Stdout and os.Stderr, and author code has not run yet.
func (s *stdio) met() {
	s.once.Do(func() {
		os.Stdout, os.Stderr = s.errors, s.errors
		close(s.first)
	})
}

// greeted is called by TLS for each connection, before any call on it.
func (s *stdio) greeted(*tls.ClientHelloInfo) (*tls.Config, error) {
	s.met()
	return nil, nil //nolint:nilnil // the configuration stays as it is
}

// TagConn is called by gRPC for each connection, before any call on it. It is only for hosts
// without TLS: with a stats.Handler, gRPC copies the headers of each call and counts its bytes.
func (s *stdio) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	s.met()
	return ctx
}

// TagRPC does nothing; stats.Handler requires it.
func (s *stdio) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC does nothing; stats.Handler requires it.
func (s *stdio) HandleRPC(context.Context, stats.RPCStats) {}

// HandleConn does nothing; stats.Handler requires it.
func (s *stdio) HandleConn(context.Context, stats.ConnStats) {}
