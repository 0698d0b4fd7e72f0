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

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/internal/plaintext"
)

// HTTPOptions configure /, /healthz and /metrics. All are required except LastTick.
type HTTPOptions struct {
	Reader       follow.Source
	TickInterval time.Duration
	Metrics      prometheus.Gatherer
	Now          func() time.Time
	Name         string // of the node
	Version      string
	// LastTick returns when the last tick ended; the zero time before the first one. It
	// has the monotonic reading, so that a step of the clock makes no node unhealthy. If
	// it is nil, the wall time of the newest snapshot is used.
	LastTick func() time.Time
}

// NewHTTP returns the handler of /, /healthz and /metrics.
func NewHTTP(opts HTTPOptions) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", limited(promhttp.HandlerFor(opts.Metrics, promhttp.HandlerOpts{Timeout: 10 * time.Second})))
	mux.HandleFunc("GET /{$}", opts.index)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		opts.awaitFirst(r.Context())
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

// index says what there is.
func (o HTTPOptions) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = fmt.Fprintf(w, `meshos %s, node %d (%s)

/healthz  200 if the control loop runs, else 503 and why not
/metrics  metrics for Prometheus

Commands: meshos status, meshos --help
`, plaintext.Clean(o.Version, 100), o.Reader.Latest().Node, plaintext.Clean(o.Name, 100))
}

// scrapesAtOnce is how many scrapes are answered at the same time, and scrapeWithin how
// long the others wait.
const (
	scrapesAtOnce = 4
	scrapeWithin  = 10 * time.Second
)

// limited lets scrapesAtOnce requests through at a time; the others wait.
func limited(next http.Handler) http.Handler {
	slots := make(chan struct{}, scrapesAtOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), scrapeWithin)
		defer cancel()
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			next.ServeHTTP(w, r)
		case <-ctx.Done():
			http.Error(w, "too many scrapes at once; try again later", http.StatusServiceUnavailable)
		}
	})
}

// firstWithin is how long a request waits for the first tick of a node that has just started:
// whoever checks it, as the node itself may, is not to take a start for a fault.
const firstWithin = time.Second

// awaitFirst returns when there was a tick, and in any case soon.
func (o HTTPOptions) awaitFirst(ctx context.Context) {
	if !o.lastTick().IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, firstWithin)
	defer cancel()
	for range follow.Snapshots(ctx, o.Reader) {
		if !o.lastTick().IsZero() {
			return
		}
	}
}

// unhealthy returns why the node is unhealthy, "" if it is healthy. It is healthy if its
// last tick is younger than three intervals.
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

// maxConnections is how many connections may be open at once.
const maxConnections = 256

// ListenHTTP opens the address of node.listen.
func ListenHTTP(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("node.listen %s: address in use; set node.listen to another address, or \"\" for none: %w", address, err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("node.listen %s: this user may not listen there; use a port from 1024 up: %w", address, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("node.listen %s: this machine has no such address; set node.listen to one that it has: %w", address, err)
	case err != nil:
		return nil, fmt.Errorf("node.listen %s: %w", address, err)
	}
	return netutil.LimitListener(ln, maxConnections), nil
}

// ServeHTTP answers on ln until ctx is done. Each connection gets one answer, and one that
// sends no request is closed soon, so that clients which hold connections do not keep
// others out. The error is nil if ctx ended it.
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
