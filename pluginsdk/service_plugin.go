package pluginsdk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk/internal/schema"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// pluginService serves what every plugin has.
type pluginService struct {
	pluginv1.UnimplementedPluginServer
	s *Server
}

func (p pluginService) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	return &pluginv1.DescribeResponse{
		Name: p.s.info.Name, Version: p.s.info.Version, Kinds: p.s.kinds,
		NoOp: p.s.info.NoOp, ConfigSchema: p.s.configSchema, HealthSchemes: p.s.info.HealthSchemes,
		ProbesNow: p.s.probesNow, KindVersions: kindVersions(p.s.kinds), MindsTimeout: true,
	}, nil
}

func (p pluginService) SetPeers(ctx context.Context, req *pluginv1.SetPeersRequest) (*pluginv1.SetPeersResponse, error) {
	peers := make([]Peer, len(req.GetPeers()))
	for i, peer := range req.GetPeers() {
		peers[i] = Peer{
			ID: peer.GetId(), Name: peer.GetName(),
			Address: peer.GetAddress(), HealthTarget: peer.GetHealthTarget(),
			Addresses: addressesFromWire(peer.GetAddresses()),
		}
	}
	s := p.s
	if err := s.lockAdmin(ctx); err != nil {
		return nil, err
	}
	defer s.unlockAdmin()
	s.headroom.fit(len(peers))
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return nil, Unavailable(errShuttingDown)
	}
	s.peers, s.hasPeers = peers, true
	inst := s.current
	if inst != nil {
		inst.enter()
	}
	s.mu.Unlock()
	if inst == nil { // the first instance will get them
		return &pluginv1.SetPeersResponse{}, nil
	}
	defer inst.release()
	return &pluginv1.SetPeersResponse{}, inst.setPeers(peers, false)
}

func (p pluginService) Configure(ctx context.Context, req *pluginv1.ConfigureRequest) (*pluginv1.ConfigureResponse, error) {
	s := p.s
	cfg, err := s.decode(req.GetConfig().AsMap())
	if err != nil {
		return nil, configError(err)
	}
	if req.GetValidateOnly() {
		return &pluginv1.ConfigureResponse{}, nil
	}
	if err := s.lockAdmin(ctx); err != nil {
		return nil, err
	}
	defer s.unlockAdmin()
	next, err := s.construct(ctx, req, cfg)
	if err != nil {
		return nil, err
	}
	resp := &pluginv1.ConfigureResponse{}
	if w, ok := next.value.(Warner); ok {
		err := guarded("Warnings", s.log, func() error {
			resp.Warnings = w.Warnings()
			return nil
		})
		if err != nil {
			s.discard(next)
			return nil, err
		}
	}
	old, err := s.install(next)
	if err != nil {
		return nil, err
	}
	if old == nil {
		return resp, nil
	}
	go old.retire(replaceGrace) // the next instance's Run, and Close, wait for its end
	patience := time.NewTimer(replaceWait)
	defer patience.Stop()
	select {
	case <-old.retired:
	case <-patience.C:
		s.log.Info("calls with the old configuration are still running; new calls use the new configuration")
	case <-ctx.Done(): // the new instance serves all the same
	}
	return resp, nil
}

// construct builds an instance that is not installed yet. If something fails after the
// author's constructor, it ends the instance again.
func (s *Server) construct(ctx context.Context, req *pluginv1.ConfigureRequest, cfg any) (_ *instance, err error) {
	env := Env{Log: s.log, Node: req.GetNode(), Cluster: req.GetClusterId(), DataDir: req.GetDataDir(), Mesh: req.GetMesh()}
	var value any
	err = guarded("the constructor", s.log, func() (err error) {
		value, err = s.build(env, cfg)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("start with this configuration: %w", err)
	}
	s.mu.Lock()
	peers, known := s.peers, s.hasPeers
	s.mu.Unlock()
	next := newInstance(value, s.log)
	if known {
		err = next.setPeers(peers, false)
	}
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("start with this configuration: %w (the old one stays in use)", ctx.Err())
	}
	if err != nil {
		s.discard(next)
		return nil, err
	}
	return next, nil
}

// discard ends an instance that was never installed.
func (s *Server) discard(i *instance) {
	close(i.ran)
	i.retire(replaceWait)
}

// install makes next the current instance and returns the one before.
func (s *Server) install(next *instance) (old *instance, err error) {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		s.discard(next)
		return nil, Unavailable(errShuttingDown)
	}
	old, s.current = s.current, next
	s.mu.Unlock()
	if old != nil {
		next.start(old.retired)
		return old, nil
	}
	none := make(chan struct{})
	close(none)
	next.start(none)
	return nil, nil
}

// maxMistakes limits the details of an error; the text has a limit of its own.
const maxMistakes = 20

// configError returns INVALID_ARGUMENT with each mistake as a detail.
func configError(err error) error {
	if panicked := (*coded)(nil); errors.As(err, &panicked) {
		return err // Validate panicked
	}
	st := status.New(codes.InvalidArgument, err.Error())
	var all *schema.Error
	if !errors.As(err, &all) {
		return st.Err()
	}
	bad := &errdetails.BadRequest{}
	for _, m := range all.Mistakes[:min(len(all.Mistakes), maxMistakes)] {
		bad.FieldViolations = append(bad.FieldViolations,
			&errdetails.BadRequest_FieldViolation{Field: m.Key, Description: m.Text})
	}
	if detailed, err := st.WithDetails(bad); err == nil {
		st = detailed
	}
	return st.Err()
}
