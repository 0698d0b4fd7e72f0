package pluginsdk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"

	"github.com/meshos/meshos/pluginsdk/internal/schema"
	"github.com/meshos/meshos/pluginsdk/wire"
)

// How long the server waits for an author's code.
const (
	// replaceGrace is the time for the calls and the background work of a replaced
	// instance. A call that runs longer is cancelled.
	replaceGrace = 5 * time.Second
	// replaceWait is how long of that Configure waits before it answers.
	replaceWait = time.Second
	// shutdownGrace is the time for the instance of an ending plugin, flushGrace is the
	// time for its last answers, and again for its socket. A host waits a second for all.
	shutdownGrace = 700 * time.Millisecond
	flushGrace    = 100 * time.Millisecond
)

// Server serves one plugin on a gRPC server. Main and plugintest are built on it. An
// author needs it only to serve a plugin from a program that can't call Main.
type Server struct {
	info         Info
	log          hclog.Logger
	kinds        []string
	probesNow    bool
	schema       *schema.Schema
	configSchema string
	decode       func(map[string]any) (any, error)
	build        func(Env, any) (any, error)
	noDeadlines  bool // for a debugger

	// admin is held by Configure, SetPeers and Close: they run one at a time.
	admin chan struct{}

	mu       sync.Mutex // guards what follows; never held while author code runs
	current  *instance  // nil before the first configuration
	peers    []Peer
	hasPeers bool // the host has called SetPeers
	spare    spare
	copying  sync.WaitGroup // of the spare
	headroom headroom
	closing  bool

	// ended ends the streams of other services when the server is closed: those of
	// go-plugin would keep a graceful stop waiting.
	ended    context.Context
	endOther context.CancelFunc

	views viewCache
}

// NewServer prepares a plugin to be served; it does not call construct, whose meaning is
// that of Main's. It fails if the author's types can't be served: the tags of C are
// wrong, P is an interface, or P implements no kind. log may be nil.
func NewServer[C, P any](info Info, construct func(Env, C) (P, error), log hclog.Logger) (*Server, error) {
	if log == nil {
		log = hclog.NewNullLogger()
	}
	format, err := schema.For[C, Duration]()
	if err != nil {
		return nil, fmt.Errorf("plugin %s: configuration: %w", info.Name, err)
	}
	text, err := format.JSON(info.Name, info.Doc)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: configuration schema: %w", info.Name, err)
	}
	var sample P // only its type counts; there is no instance yet
	if any(sample) == nil {
		return nil, fmt.Errorf("plugin %s: the constructor must return a concrete type, not an interface: "+
			"a plugin serves the kinds whose interfaces this type implements", info.Name)
	}
	kinds := kindsOf(sample)
	if len(kinds) == 0 {
		hint := ""
		if len(kindsOf(new(P))) > 0 {
			hint = fmt.Sprintf("; *%T has: return a pointer", sample)
		} else if misses := nearMisses(sample); len(misses) > 0 {
			hint = "; " + strings.Join(misses, "; ")
		}
		return nil, fmt.Errorf("plugin %s: %T has the methods of no kind%s", info.Name, sample, hint)
	}
	for _, miss := range nearMisses(sample) {
		log.Warn(miss)
	}
	ended, endOther := context.WithCancel(context.Background())
	return &Server{
		ended:        ended,
		endOther:     endOther,
		info:         info,
		log:          log,
		kinds:        kinds,
		probesNow:    implements[NowProber](sample),
		schema:       format,
		configSchema: text,
		decode: func(config map[string]any) (any, error) {
			var cfg C
			if err := format.Decode(config, &cfg); err != nil {
				return nil, err
			}
			if v, ok := any(&cfg).(Validator); ok {
				var mistake error
				err := guarded("Validate", log, func() error {
					mistake = v.Validate()
					return nil
				})
				if err != nil {
					return nil, err
				}
				if mistake != nil {
					return nil, schema.FromAuthor(mistake)
				}
			}
			return cfg, nil
		},
		build: func(env Env, cfg any) (any, error) {
			p, err := construct(env, cfg.(C))
			if err == nil && isNil(p) {
				err = errors.New("the constructor returned neither an instance nor an error: its author has to fix that")
			}
			return p, err
		},
		admin: make(chan struct{}, 1),
	}, nil
}

// window is how much a host may send before the plugin has taken it. A size that is set also
// spares each call the ping by which gRPC would find one, with its answer.
const window = 1 << 20

// Options returns the gRPC server options that a plugin is served with: the limits of
// messages, interceptors that turn a panic into a failed call, and a codec whose errors
// name a text that can't be sent.
func (s *Server) Options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(wire.MaxMessage),
		grpc.MaxSendMsgSize(wire.MaxMessage),
		grpc.InitialWindowSize(window),
		grpc.InitialConnWindowSize(window),
		grpc.ForceServerCodecV2(newUTF8Codec()),
		grpc.ChainUnaryInterceptor(s.unary),
		grpc.ChainStreamInterceptor(s.stream),
	}
}

// lockAdmin waits until no other administrative call runs.
func (s *Server) lockAdmin(ctx context.Context) error {
	select {
	case s.admin <- struct{}{}:
		return nil
	case <-ctx.Done():
		return Unavailable(fmt.Errorf("another Configure or SetPeers is still running: %w", ctx.Err()))
	}
}

func (s *Server) unlockAdmin() { <-s.admin }

// errShuttingDown is the error of calls that come too late.
var errShuttingDown = errors.New("the plugin is shutting down")

// acquire returns the current instance for one call, which ends with release.
func (s *Server) acquire() (*instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, Unavailable(errShuttingDown)
	}
	if s.current == nil {
		return nil, FailedPrecondition(errors.New("not configured: call Configure first"))
	}
	if err := s.current.broken(); err != nil {
		return nil, err
	}
	s.current.enter()
	return s.current, nil
}

// peersNow returns the peers. The list is never changed in place.
func (s *Server) peersNow() []Peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peers
}

// Close accepts no more calls, ends the instance and waits for its end. It returns an
// error if ctx ends before the instance. A second Close does nothing.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return nil
	}
	s.closing = true
	s.mu.Unlock()
	defer s.endOther()
	defer s.copying.Wait()

	if err := s.lockAdmin(ctx); err == nil { // else a constructor hangs
		defer s.unlockAdmin()
	}
	s.mu.Lock()
	last := s.current
	s.current = nil
	s.mu.Unlock()
	if last == nil {
		return nil
	}
	grace := replaceGrace
	if deadline, ok := ctx.Deadline(); ok {
		grace = time.Until(deadline)
	}
	last.cancelRun() // at once, not after the calls: the host does not wait long
	go last.retire(grace)
	select {
	case <-last.retired:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close: the plugin did not end in time: %w", ctx.Err())
	}
}
