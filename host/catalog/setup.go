package catalog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/plaintext"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// correctConfig is the remedy for a configuration that was refused.
const correctConfig = "correct [plugin.config] in its entry in meshos.toml"

// schemaMax bounds what is kept of a plugin's description of its configuration.
const schemaMax = 256 << 10

// setUp asks a process what it is, tells it its configuration and peers, and lets
// callers have it as soon as it has the latest of both: either may change meanwhile.
func (s *slot) setUp(ctx context.Context, i *instance) error {
	if err := s.describe(ctx, i); err != nil {
		return err
	}
	for first, has := true, uint64(0); ; first = false {
		s.mu.Lock()
		config, version := s.config, s.configVersion
		if !first && version == has && !s.behind(i) {
			s.instance = i
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		if first || version != has {
			if err := s.configure(ctx, i, config); err != nil {
				return err
			}
			has = version
		}
		if err := s.tellPeers(ctx, i); err != nil {
			return err
		}
	}
}

// describe asks for name, version and kinds, and checks them.
func (s *slot) describe(ctx context.Context, i *instance) error {
	ctx, cancel := context.WithTimeout(ctx, s.entry.Timeout)
	defer cancel()
	said, err := pluginv1.NewPluginClient(i.conn).Describe(ctx, &pluginv1.DescribeRequest{})
	if err != nil {
		return s.setupError("describe", i, err)
	}
	warn := func(format string, args ...any) {
		s.opts.Log(mesh.LevelWarn, s.entry.Name, fmt.Sprintf(format, args...))
	}
	if said.GetName() != s.entry.Name {
		warn("it calls itself %q", plaintext.Clean(said.GetName(), 100))
	}
	known, unknown := knownKinds(said.GetKinds())
	if len(unknown) > 0 {
		warn("it serves kinds that this host does not know: %s", plaintext.Clean(strings.Join(unknown, ", "), detailLength))
	}
	wanted, _ := knownKinds(s.entry.Kinds)
	for _, kind := range wanted {
		if !slices.Contains(known, kind) {
			return &Error{
				Plugin: s.entry.Name, Step: "describe", Rejected: true,
				Problem: fmt.Sprintf("it does not serve %s, only %s", kind, orNone(strings.Join(known, ", "))),
				Remedy:  "correct kinds in its entry in meshos.toml",
			}
		}
	}
	if len(wanted) > 0 {
		known = wanted
	}
	if len(known) == 0 {
		return &Error{
			Plugin: s.entry.Name, Step: "describe", Rejected: true,
			Problem: "it serves nothing that this host knows",
			Remedy:  "install a build of it that is made for this host",
		}
	}
	if len(s.entry.Chains) > 0 && !slices.Contains(known, KindChainAppender) {
		warn("its entry grants it chains of records, but it is used as no chain_appender")
	}
	i.kinds, i.version = known, plaintext.Clean(said.GetVersion(), 100)
	i.schema, i.noOp = said.GetConfigSchema(), said.GetNoOp()
	if len(i.schema) > schemaMax {
		warn("its configuration schema has %d bytes and is not kept: more than %d", len(i.schema), schemaMax)
		i.schema = ""
	}
	return nil
}

// configure hands over a configuration.
func (s *slot) configure(ctx context.Context, i *instance, config map[string]any) error {
	fields, err := structpb.NewStruct(config)
	if err != nil {
		return &Error{Plugin: s.entry.Name, Step: "configure", Rejected: true, Problem: err.Error(), Remedy: correctConfig, Err: err}
	}
	dir, err := filepath.Abs(s.dataDir())
	if err != nil {
		return s.problem("configure", err.Error(), "set node.data_dir to an absolute path", err)
	}
	var answer *pluginv1.ConfigureResponse
	err = s.ask(ctx, i, "Plugin.Configure", func(ctx context.Context, p pluginv1.PluginClient) (err error) {
		answer, err = p.Configure(ctx, &pluginv1.ConfigureRequest{
			Node: s.opts.Node, ClusterId: s.opts.Cluster, DataDir: dir, Config: fields,
		})
		return err
	})
	if err != nil {
		err := s.setupError("configure", i, err)
		if errors.Is(err, ErrInvalidArgument) {
			err.Problem = "it refuses its configuration: " + err.Err.(*CallError).Detail
			err.Remedy = correctConfig
			err.Rejected = true
		}
		return err
	}
	var warnings []string
	for n, w := range answer.GetWarnings() {
		if n == 20 {
			break
		}
		warnings = append(warnings, plaintext.Clean(w, detailLength))
		s.opts.Log(mesh.LevelWarn, s.entry.Name, "configuration: "+plaintext.Clean(w, detailLength))
	}
	s.mu.Lock()
	s.warnings = warnings
	s.mu.Unlock()
	return nil
}

// tellPeers tells a probe the peers, unless it knows them.
func (s *slot) tellPeers(ctx context.Context, i *instance) error {
	if !isProbe(i.kinds) {
		return nil
	}
	turn, cancel := context.WithTimeout(ctx, s.entry.Timeout)
	defer cancel()
	select {
	case i.peersTurn <- struct{}{}:
		defer func() { <-i.peersTurn }()
	case <-turn.Done():
		return s.problem("peers", "another change of peers is under way", "it is told again", turn.Err())
	}
	version, peers := s.peers.get()
	if version == i.peersVersion.Load() {
		return nil
	}
	err := s.ask(ctx, i, "Plugin.SetPeers", func(ctx context.Context, p pluginv1.PluginClient) error {
		_, err := p.SetPeers(ctx, &pluginv1.SetPeersRequest{Peers: peers})
		return err
	})
	if err != nil {
		return s.setupError("peers", i, err)
	}
	i.peersVersion.Store(version)
	return nil
}

// ask makes a call of the set-up. To a process that others use already it is a call
// like theirs: one that outlives its time makes the plugin lag.
func (s *slot) ask(ctx context.Context, i *instance, method string, do func(context.Context, pluginv1.PluginClient) error) error {
	p := pluginv1.NewPluginClient(i.conn)
	s.mu.Lock()
	running := s.instance == i
	if running {
		i.calls.Add(1)
	}
	s.mu.Unlock()
	if !running {
		ctx, cancel := context.WithTimeout(ctx, s.entry.Timeout)
		defer cancel()
		return do(ctx, p)
	}
	c := s.newCall(i, method, s.entry.Timeout)
	c.quiet = true
	c.start(func(ctx context.Context, _ grpc.ClientConnInterface) error { return do(ctx, p) }, i.calls.Done)
	select {
	case err := <-c.result:
		return err
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// behind says whether a probe does not know the present peers.
func (s *slot) behind(i *instance) bool {
	version, _ := s.peers.get()
	return isProbe(i.kinds) && i.peersVersion.Load() != version
}

// setupError says what a failed call of the set-up means.
func (s *slot) setupError(step string, i *instance, err error) *Error {
	wrapped := callError(s.entry.Name, step, err).(*CallError)
	if errors.Is(wrapped, ErrUnavailable) { // the connection ends before the process
		within(100*time.Millisecond, func() { <-i.proc.Done() })
	}
	select {
	case <-i.proc.Done():
		i.lastWords()
		return s.problem(step, fmt.Sprintf("it ended meanwhile: %v%s", i.proc.Exit(), s.quote()), s.look(), wrapped)
	default:
	}
	switch {
	case errors.Is(wrapped, ErrDeadline):
		return s.problem(step, fmt.Sprintf("no answer within %v", s.entry.Timeout),
			"see what it waits for, or raise timeout in its entry in meshos.toml", wrapped)
	case errors.Is(wrapped, ErrUnavailable) && i.lostConnection():
		// Its directory has another name at each start; one cause is to have one text.
		return s.problem(step, "its socket does not answer: "+strings.ReplaceAll(wrapped.Detail, i.dir, "$"+socketsKey),
			serveGRPC, wrapped)
	case errors.Is(wrapped, ErrUnimplemented):
		e := s.problem(step, "it does not serve meshos.plugin.v1.Plugin", "build it with pluginsdk", wrapped)
		e.Rejected = true
		return e
	}
	return s.problem(step, wrapped.Kind.Error()+": "+wrapped.Detail, s.look(), wrapped)
}
