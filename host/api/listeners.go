package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"

	"github.com/meshos/meshos/internal/guard"
)

// Listeners are those of a node: the unix socket of the Host service, and the TCP address
// of /healthz and /metrics.
type Listeners struct {
	socket *Socket
	http   net.Listener // nil if there is none
}

// OpenListeners opens both, so that an address in use is found before anything starts. The
// members of group, unless it is empty, may connect to the socket. If listen is empty,
// there is no TCP address.
func OpenListeners(ctx context.Context, socket, group, listen string) (_ *Listeners, err error) {
	var l Listeners
	if l.socket, err = ListenFor(ctx, socket, group); err != nil {
		return nil, err
	}
	if listen == "" {
		return &l, nil
	}
	if l.http, err = ListenHTTP(ctx, listen); err != nil {
		return nil, errors.Join(err, l.socket.Close())
	}
	return &l, nil
}

// Close closes listeners that are not served.
func (l *Listeners) Close() error {
	if l.http == nil {
		return l.socket.Close()
	}
	return errors.Join(l.socket.Close(), l.http.Close())
}

// Serve answers on both until ctx is done or one of them fails. onPanic is called when a
// handler of the service panics.
func (l *Listeners) Serve(
	ctx context.Context, service *Service, handler http.Handler, onPanic func(method string, panicked *guard.PanicError),
) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var socketErr, httpErr error
	var both sync.WaitGroup
	both.Go(func() {
		defer stop()
		socketErr = service.Serve(ctx, l.socket, onPanic)
	})
	if l.http != nil {
		both.Go(func() {
			defer stop()
			httpErr = ServeHTTP(ctx, l.http, handler)
		})
	}
	both.Wait()
	return errors.Join(socketErr, httpErr)
}
