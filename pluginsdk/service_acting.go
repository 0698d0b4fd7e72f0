package pluginsdk

import (
	"context"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

type appenderService struct {
	pluginv1.UnimplementedChainAppenderServer
	s *Server
}

func (a appenderService) Append(ctx context.Context, req *pluginv1.AppendRequest) (*pluginv1.AppendResponse, error) {
	return call(ctx, a.s, func(ctx context.Context, p ChainAppender) (*pluginv1.AppendResponse, error) {
		return &pluginv1.AppendResponse{}, p.Append(ctx, req.GetRecords())
	})
}

type actuatorService struct {
	pluginv1.UnimplementedActuatorServer
	s *Server
}

func (a actuatorService) Dispatch(ctx context.Context, req *pluginv1.DispatchRequest) (*pluginv1.DispatchResponse, error) {
	return call(ctx, a.s, func(ctx context.Context, p Actuator) (*pluginv1.DispatchResponse, error) {
		events, err := p.Dispatch(ctx, req.GetActionId(), req.GetAction())
		return &pluginv1.DispatchResponse{Events: events}, err
	})
}

type recoveryService struct {
	pluginv1.UnimplementedRecoveryHandlerServer
	s *Server
}

func (r recoveryService) Recover(ctx context.Context, req *pluginv1.RecoverRequest) (*pluginv1.RecoverResponse, error) {
	return call(ctx, r.s, func(ctx context.Context, p RecoveryHandler) (*pluginv1.RecoverResponse, error) {
		slots, events, err := p.Recover(ctx, req.GetHealthyNodes())
		return &pluginv1.RecoverResponse{RecoveredSlots: slots, Events: events}, err
	})
}

type controlService struct {
	pluginv1.UnimplementedControlSinkServer
	s *Server
}

func (c controlService) Deliver(ctx context.Context, event *pluginv1.ControlEvent) (*pluginv1.DeliverResponse, error) {
	return call(ctx, c.s, func(ctx context.Context, p ControlSink) (*pluginv1.DeliverResponse, error) {
		return &pluginv1.DeliverResponse{}, p.Deliver(ctx, event)
	})
}
