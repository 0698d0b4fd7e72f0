// Command sdkplugin is a plugin for the catalog's tests, made with the SDK. It is an
// actuator, an event source, a recovery handler and a control sink, and does what its
// configuration and the number of a chain say.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

type config struct {
	Events int    `json:"events" doc:"how many events to stream, two in a batch"`
	Then   string `json:"then" default:"stay" enum:"stay,end,fail" doc:"what to do after them"`
	Size   int    `json:"size" doc:"bytes of text in each event"`
}

type plugin struct {
	log hclog.Logger
	cfg config
}

// Dispatch does what the number of the chain says.
func (p *plugin) Dispatch(ctx context.Context, id uint64, action *meshosv1.Action) ([]*meshosv1.Event, error) {
	switch chain := action.GetPullReplica().GetChain(); chain {
	case 9:
		end, _ := ctx.Deadline()
		return nil, fmt.Errorf("it has %d ms", time.Until(end).Milliseconds())
	case 400:
		return nil, pluginsdk.Invalid(errors.New("no such chain"))
	case 502:
		return nil, pluginsdk.Unavailable(errors.New("a gateway is away"))
	case 503:
		return nil, pluginsdk.UnavailableAfter(errors.New("the mover is busy"), 2*time.Second)
	default:
		return []*meshosv1.Event{
			added(chain, 1),
			added(chain, 0), // malformed
			{Kind: &meshosv1.Event_Shutdown{}},
			{Kind: &meshosv1.Event_SignedCommit{SignedCommit: &meshosv1.SignedCommit{Payload: []byte{1}}}},
			line(fmt.Sprintf("action %d done", id)),
		}, nil
	}
}

// Events streams numbered lines.
func (p *plugin) Events(ctx context.Context, send func([]*meshosv1.Event) error) error {
	for n := 1; n <= p.cfg.Events; n += 2 {
		batch := []*meshosv1.Event{line(fmt.Sprint(n, strings.Repeat("x", p.cfg.Size)))}
		if n < p.cfg.Events {
			batch = append(batch, line(fmt.Sprint(n+1, strings.Repeat("x", p.cfg.Size))))
		}
		if err := send(batch); err != nil {
			return err
		}
		p.log.Info("sent", "through", n+1)
	}
	switch p.cfg.Then {
	case "end":
		return nil
	case "fail":
		return errors.New("lost the sensor")
	}
	<-ctx.Done()
	return ctx.Err()
}

func (p *plugin) Recover(_ context.Context, healthy []uint64) ([]uint32, []*meshosv1.Event, error) {
	var slots []uint32
	for n := range healthy {
		slots = append(slots, uint32(n))
	}
	return slots, []*meshosv1.Event{
		added(7, 1), added(0, 1),
		{Kind: &meshosv1.Event_SignedCommit{SignedCommit: &meshosv1.SignedCommit{Payload: []byte{1}}}},
	}, nil
}

func (p *plugin) Deliver(_ context.Context, event *pluginv1.ControlEvent) error {
	p.log.Info("delivered", "event", fmt.Sprintf("%T", event.GetKind()), "level", event.GetBackpressureOn())
	return nil
}

func added(chain, holder uint64) *meshosv1.Event {
	return &meshosv1.Event{Kind: &meshosv1.Event_ReplicaUpdate{ReplicaUpdate: &meshosv1.ReplicaUpdate{
		Kind: meshosv1.ReplicaUpdate_KIND_ADDED, Chain: chain, Holder: holder,
	}}}
}

func line(text string) *meshosv1.Event {
	return &meshosv1.Event{Kind: &meshosv1.Event_LogLine{LogLine: &meshosv1.LogLine{
		Level: meshosv1.LogLevel_LOG_LEVEL_INFO, Message: text,
	}}}
}

func main() {
	pluginsdk.Main(pluginsdk.Info{Name: "sdkplugin", Version: "1.0.0"}, func(env pluginsdk.Env, cfg config) (*plugin, error) {
		return &plugin{env.Log, cfg}, nil
	})
}
