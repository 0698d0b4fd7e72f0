package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/plaintext"
	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// schemaMax bounds the schema of a plugin's configuration, in bytes.
const schemaMax = 256 << 10

// setUp asks a process what it is, and sends it its configuration and the peers until it
// has the latest of both: either may change meanwhile. Then it opens the process to
// callers.
func (s *slot) setUp(ctx context.Context, i *instance) error {
	if err := s.describe(ctx, i); err != nil {
		return err
	}
	for first, sent := true, uint64(0); ; first = false {
		s.mu.Lock()
		config, version := s.config, s.configVersion
		if !first && version == sent && !s.peersOutdated(i) {
			s.instance = i
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		if first || version != sent {
			if err := s.configure(ctx, i, config); err != nil {
				return err
			}
			sent = version
		}
		if err := s.sendPeers(ctx, i); err != nil {
			return err
		}
	}
}

// describe asks a process for its name, version and kinds, and checks them.
func (s *slot) describe(ctx context.Context, i *instance) error {
	ctx, cancel := context.WithTimeout(ctx, s.entry().Timeout)
	defer cancel()
	said, err := pluginv1.NewPluginClient(i.conn).Describe(ctx, &pluginv1.DescribeRequest{})
	if err != nil {
		return s.setupError("describe", i, err)
	}
	warn := func(format string, args ...any) {
		s.opts.Log(mesh.LevelWarn, s.entry().Name, fmt.Sprintf(format, args...))
	}
	if said.GetName() != s.entry().Name {
		warn("it calls itself %q", plaintext.Clean(said.GetName(), 100))
	}
	known, unknown := knownKinds(said.GetKinds())
	if len(unknown) > 0 {
		warn("it serves kinds that this host does not know: %s", plaintext.Clean(strings.Join(unknown, ", "), detailLength))
	}
	wanted, _ := knownKinds(s.entry().Kinds)
	for _, kind := range wanted {
		if !slices.Contains(known, kind) {
			return &Error{
				Plugin: s.entry().Name, Step: "describe", Rejected: true,
				Problem: fmt.Sprintf("it does not serve %s, only %s", kind, orNone(strings.Join(known, ", "))),
				Remedy:  "correct kinds in its entry in meshos.toml", Entry: true,
			}
		}
	}
	used, unasked := s.entry().usedKinds(known)
	i.notice = unaskedText(known, unasked)
	if i.notice != "" {
		warn("%s", i.notice)
	}
	if len(known) == 0 {
		return &Error{
			Plugin: s.entry().Name, Step: "describe", Rejected: true,
			Problem: "it serves no kind that this host knows",
			Remedy:  "install a build that is made for this host",
		}
	}
	if len(s.entry().Chains) > 0 && !slices.Contains(used, KindChainAppender) {
		warn("its entry names chains of records, but it is not used as a chain_appender")
	}
	i.kinds, i.version = used, plaintext.Clean(said.GetVersion(), 100)
	i.schema, i.noOp = said.GetConfigSchema(), said.GetNoOp()
	s.step(func(m *machine, _ time.Time) { m.linksNode = slices.Contains(used, KindMesh) })
	i.schemes, i.probesNow = healthSchemes(used, said.GetHealthSchemes()), said.GetProbesNow()
	i.mindsTimeout = said.GetMindsTimeout()
	i.scorerVersion = wire.LatestVersion(KindPlacementScorer, said.GetKindVersions(), 1, 2)
	if len(i.schema) > schemaMax {
		warn("its configuration schema has %d bytes and is not kept: more than %d", len(i.schema), schemaMax)
		i.schema = ""
	}
	return nil
}

// setupCall makes a call of the set-up. If the process is open to callers already, it is
// a call like theirs: one that outlives its timeout makes the plugin lag.
func (s *slot) setupCall(ctx context.Context, i *instance, method string, do func(context.Context, pluginv1.PluginClient) error) error {
	p := pluginv1.NewPluginClient(i.conn)
	s.mu.Lock()
	running := s.instance == i
	if running {
		i.calls.Add(1)
	}
	s.mu.Unlock()
	if !running {
		ctx, cancel := context.WithTimeout(ctx, s.entry().Timeout)
		defer cancel()
		return do(ctx, p)
	}
	c := s.newCall(i, method, s.entry().Timeout)
	c.internal = true
	c.start(func(ctx context.Context, _ grpc.ClientConnInterface) error { return do(ctx, p) }, i.calls.Done)
	select {
	case err := <-c.result:
		return err
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// setupError returns what a failed call of the set-up means.
func (s *slot) setupError(step string, i *instance, err error) *Error {
	wrapped := callError(s.entry().Name, step, err).(*CallError)
	if errors.Is(wrapped, ErrUnavailable) { // the connection ends before the process
		waitAtMost(100*time.Millisecond, func() { <-i.proc.Done() })
	}
	select {
	case <-i.proc.Done():
		i.awaitOutput()
		return s.newError(step, fmt.Sprintf("it ended during this step: %v%s", i.proc.Exit(), s.lastMessage()), s.seeLastLines(), wrapped)
	default:
	}
	switch {
	case errors.Is(wrapped, ErrDeadline):
		e := s.newError(step, fmt.Sprintf("no answer within %v", s.entry().Timeout),
			"see what it waits for, or raise timeout in its entry in meshos.toml", wrapped)
		e.Entry = true
		return e
	case errors.Is(wrapped, ErrUnavailable) && i.lostConnection():
		// The directory has another name at each start: errors of one cause should be equal.
		return s.newError(step, "its socket does not answer: "+strings.ReplaceAll(wrapped.Detail, i.dir, "$"+socketsKey),
			serveGRPC, wrapped)
	case errors.Is(wrapped, ErrUnimplemented):
		e := s.newError(step, "it does not serve meshos.plugin.v1.Plugin", "build it with pluginsdk", wrapped)
		e.Rejected = true
		return e
	}
	return s.newError(step, wrapped.Kind.Error()+": "+wrapped.Detail, s.seeLastLines(), wrapped)
}
