package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

// HTTPOptions are what /healthz and /metrics are made from; all but LastTick are
// needed.
type HTTPOptions struct {
	Reader       Reader
	TickInterval time.Duration
	Metrics      prometheus.Gatherer
	Now          func() time.Time
	// LastTick is when the last tick ended, with its monotonic part, so that a
	// step of the clock makes no node ill; the zero time before the first. When it
	// is nil, the wall time of the newest snapshot has to do.
	LastTick func() time.Time
}

// NewHTTP gives the handler of /healthz and /metrics.
func NewHTTP(opts HTTPOptions) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", inTurn(promhttp.HandlerFor(opts.Metrics, promhttp.HandlerOpts{Timeout: 10 * time.Second})))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if why := opts.unhealthy(); why != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = fmt.Fprintln(w, why)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	return mux
}

// scrapesAtOnce bounds how many scrapes are put together at once, and scrapeWithin how
// long the others wait for their turn.
const (
	scrapesAtOnce = 4
	scrapeWithin  = 10 * time.Second
)

// inTurn lets a few requests in at a time; a crowd waits.
func inTurn(next http.Handler) http.Handler {
	turns := make(chan struct{}, scrapesAtOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), scrapeWithin)
		defer cancel()
		select {
		case turns <- struct{}{}:
			defer func() { <-turns }()
			next.ServeHTTP(w, r)
		case <-ctx.Done():
			http.Error(w, "too many scrapes at once; try again later", http.StatusServiceUnavailable)
		}
	})
}

// unhealthy says why the node is not well, "" when it is: its last tick has to be
// younger than three intervals.
func (o HTTPOptions) unhealthy() string {
	select {
	case <-o.Reader.Done():
		return "the loop has ended"
	default:
	}
	last := o.lastTick()
	if last.IsZero() {
		return "there was no tick yet"
	}
	age, most := o.Now().Sub(last), 3*o.TickInterval
	if age < most {
		return ""
	}
	return fmt.Sprintf("the last tick was %v ago, which should be less than %v", age.Round(time.Millisecond), most)
}

func (o HTTPOptions) lastTick() time.Time {
	if o.LastTick != nil {
		return o.LastTick()
	}
	latest := o.Reader.Latest()
	if latest.Tick == 0 {
		return time.Time{}
	}
	return latest.TakenAt
}

// maxConnections bounds what a crowd of clients may hold open.
const maxConnections = 256

// ListenHTTP opens the address of node.listen.
func ListenHTTP(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("node.listen %s: address in use; set node.listen to another, or \"\" for none: %w", address, err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("node.listen %s: this user may not listen there; take a port from 1024: %w", address, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("node.listen %s: this machine has no such address; set node.listen to one that it has: %w", address, err)
	case err != nil:
		return nil, fmt.Errorf("node.listen %s: %w", address, err)
	}
	return netutil.LimitListener(ln, maxConnections), nil
}

// ServeHTTP answers on ln until ctx is done. Each connection gets one answer, and one
// that asks nothing is closed soon: who holds connections keeps nobody else from an
// answer. The error is nil after a stop that was asked for.
func ServeHTTP(ctx context.Context, ln net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 2 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	server.SetKeepAlivesEnabled(false)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		_ = server.Close()
	}
	<-ended
	return nil
}
