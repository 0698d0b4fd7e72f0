package plugins

import (
	"context"
	"errors"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/meshlink"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// meshPlugin is a plugin that links this node with others. It marks its errors with what they
// mean for host/meshlink.
type meshPlugin struct{ *catalog.Mesh }

// Order implements meshlink.Plugin.
func (m meshPlugin) Order(ctx context.Context, order *pluginv1.OrderRequest) error {
	err := m.Mesh.Order(ctx, order)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, catalog.ErrAborted):
		return &meshError{meshlink.ErrAborted, err}
	case errors.Is(err, catalog.ErrUnavailable), errors.Is(err, catalog.ErrBusy): // nothing was appended
		return away(&meshError{meshlink.ErrNoQuorum, err})
	case errors.Is(err, catalog.ErrFailedPrecondition), errors.Is(err, catalog.ErrInvalidArgument):
		return &meshError{meshlink.ErrRefused, err}
	}
	return &meshError{meshlink.ErrUnknown, err}
}

// SetMembers implements meshlink.Plugin.
func (m meshPlugin) SetMembers(ctx context.Context, members *pluginv1.SetMembersRequest) error {
	return away(m.Mesh.SetMembers(ctx, members))
}

// Follow implements meshlink.Plugin.
func (m meshPlugin) Follow(ctx context.Context, from *pluginv1.FollowRequest, take func(context.Context, *pluginv1.MeshBatch) error) error {
	return away(m.Mesh.Follow(ctx, from, take))
}

// Tell implements meshlink.Plugin.
func (m meshPlugin) Tell(ctx context.Context, said *pluginv1.TellRequest) error {
	return away(m.Mesh.Tell(ctx, said))
}

// Ask implements meshlink.Plugin.
func (m meshPlugin) Ask(ctx context.Context, question *pluginv1.AskRequest, take func(context.Context, []byte) error) error {
	err := m.Mesh.Ask(ctx, question, take)
	var said *catalog.AskError
	if errors.As(err, &said) {
		return &meshlink.AskError{Node: said.Node, Code: said.Code, Detail: said.Detail}
	}
	return away(err)
}

// Serve implements meshlink.Plugin.
func (m meshPlugin) Serve(ctx context.Context, run func(context.Context, func() (*pluginv1.ServedQuestion, error), func(*pluginv1.ServedAnswer) error) error) error {
	return away(m.Mesh.Serve(ctx, run))
}

// Join implements meshlink.Plugin.
func (m meshPlugin) Join(ctx context.Context, joining []byte) error {
	return away(m.Mesh.Join(ctx, joining))
}

// away marks the error of a plugin that is not ready.
func away(err error) error {
	var not *catalog.NotReadyError
	if errors.As(err, &not) {
		return &meshError{meshlink.ErrAway, err}
	}
	return err
}

// meshError is an error of a plugin, marked with its kind, which is not shown to people.
type meshError struct{ kind, err error }

// Error implements error.
func (e *meshError) Error() string { return e.err.Error() }

// Unwrap returns both.
func (e *meshError) Unwrap() []error { return []error{e.kind, e.err} }
