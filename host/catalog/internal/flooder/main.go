// Command flooder is a plugin for tests that attacks its node by what it says. Its
// configuration names what it floods the node with.
package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/meshos/meshos/pluginsdk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

type config struct {
	// With is what each answer, or each batch of the stream, is full of.
	With   string `json:"with" enum:"commands,orders,lines" required:"true" doc:"what it floods the node with"`
	Events int    `json:"events" default:"2000" doc:"how many in one answer"`
}

// plugin is a recovery handler and an event source.
type plugin struct{ events []*meshosv1.Event }

// Recover answers with the flood at every tick.
func (p *plugin) Recover(context.Context, []uint64) ([]uint32, []*meshosv1.Event, error) {
	return nil, p.events, nil
}

// Events streams the flood without an end.
func (p *plugin) Events(ctx context.Context, send func([]*meshosv1.Event) error) error {
	for ctx.Err() == nil {
		if err := send(p.events); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func flood(with string) (*meshosv1.Event, error) {
	switch with {
	case "commands":
		return &meshosv1.Event{Kind: &meshosv1.Event_Admin{Admin: &meshosv1.AdminEvent{
			Kind: &meshosv1.AdminEvent_Cordon{Cordon: &meshosv1.NodeTarget{Node: 1}},
		}}}, nil
	case "orders":
		return &meshosv1.Event{Kind: &meshosv1.Event_Shutdown{Shutdown: &meshosv1.Shutdown{}}}, nil
	case "lines":
		return &meshosv1.Event{Kind: &meshosv1.Event_LogLine{LogLine: &meshosv1.LogLine{
			Level: meshosv1.LogLevel_LOG_LEVEL_ERROR, Message: "flood", Source: "node",
		}}}, nil
	}
	return nil, fmt.Errorf("with: %q is unknown", with)
}

func main() {
	pluginsdk.Main(pluginsdk.Info{Name: "flooder", Version: "1.0.0"}, func(_ pluginsdk.Env, cfg config) (*plugin, error) {
		event, err := flood(cfg.With)
		if err != nil {
			return nil, err
		}
		return &plugin{slices.Repeat([]*meshosv1.Event{event}, cfg.Events)}, nil
	})
}
