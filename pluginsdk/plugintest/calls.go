package plugintest

import (
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/internal/scorepages"
	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// SampleRTT calls a locality probe for these peers or, without any, for those of the last
// SetPeers.
func (c *Client) SampleRTT(peers ...pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
	if err := c.peersFirst(peers); err != nil {
		return nil, err
	}
	ctx, cancel := c.context()
	defer cancel()
	resp, err := pluginv1.NewLocalityProbeClient(c.conn).SampleRtt(ctx, &pluginv1.SampleRequest{})
	if err != nil {
		return nil, err
	}
	if len(resp.GetPeers()) != len(resp.GetRttNs()) {
		return nil, fmt.Errorf("columns of unequal length: %d peers, %d times", len(resp.GetPeers()), len(resp.GetRttNs()))
	}
	c.complete.Store(resp.GetComplete())
	var out []pluginsdk.RTTSample
	for i, peer := range resp.GetPeers() {
		out = append(out, pluginsdk.RTTSample{
			Peer: peer, RTT: time.Duration(resp.GetRttNs()[i]),
			Sent: value(resp.GetSent(), i), Received: value(resp.GetReceived(), i),
			Jitter: time.Duration(value(resp.GetJitterNs(), i)), Reason: value(resp.GetReasons(), i),
			Late: value(resp.GetLate(), i), Round: value(resp.GetRounds(), i),
			Unanswered: value(resp.GetUnanswered(), i), NoAnswer: pluginsdk.NoAnswer(value(resp.GetNoAnswer(), i)),
			Family: pluginsdk.Family(value(resp.GetFamilies(), i)),
		})
	}
	return out, nil
}

// SampleHealth calls a health probe for these peers or, without any, for those of the
// last SetPeers.
func (c *Client) SampleHealth(peers ...pluginsdk.Peer) ([]pluginsdk.HealthSample, error) {
	if err := c.peersFirst(peers); err != nil {
		return nil, err
	}
	ctx, cancel := c.context()
	defer cancel()
	resp, err := pluginv1.NewHealthProbeClient(c.conn).SampleHealth(ctx, &pluginv1.SampleRequest{})
	if err != nil {
		return nil, err
	}
	if len(resp.GetPeers()) != len(resp.GetHealth()) {
		return nil, fmt.Errorf("columns of unequal length: %d peers, %d healths", len(resp.GetPeers()), len(resp.GetHealth()))
	}
	c.complete.Store(resp.GetComplete())
	var out []pluginsdk.HealthSample
	for i, peer := range resp.GetPeers() {
		// The numbers of the two enums are the same.
		out = append(out, pluginsdk.HealthSample{
			Peer: peer, Health: pluginsdk.Health(resp.GetHealth()[i]), Reason: value(resp.GetReasons(), i),
			Family: pluginsdk.Family(value(resp.GetFamilies(), i)),
		})
	}
	return out, nil
}

// ProbeNow has a NowProber measure one of the peers of the last SetPeers now.
func (c *Client) ProbeNow(peer uint64, pathMTU bool) (*meshosv1.ProbeResult, error) {
	ctx, cancel := c.context()
	defer cancel()
	return c.plugin.ProbeNow(ctx, &pluginv1.ProbeNowRequest{Peer: peer, PathMtu: pathMTU})
}

// Complete reports whether the last answer of SampleRTT, SampleHealth or SampleInventory was
// complete (pluginsdk.Complete).
func (c *Client) Complete() bool { return c.complete.Load() }

// value returns a value of a column that may be left out.
func value[T any](column []T, i int) (v T) {
	if i < len(column) {
		v = column[i]
	}
	return v
}

func (c *Client) peersFirst(peers []pluginsdk.Peer) error {
	if len(peers) == 0 {
		return nil
	}
	return c.SetPeers(peers...)
}

// SampleInventory calls an inventory probe.
func (c *Client) SampleInventory() ([]*meshosv1.PeerInventory, error) {
	ctx, cancel := c.context()
	defer cancel()
	resp, err := pluginv1.NewInventoryProbeClient(c.conn).SampleInventory(ctx, &pluginv1.SampleRequest{})
	if err == nil {
		c.complete.Store(resp.GetComplete())
	}
	return resp.GetSamples(), err
}

// Score calls a placement scorer with a whole view, as ScoreInPages does.
func (c *Client) Score(view pluginsdk.View) ([]*meshosv1.ChainScore, error) {
	table, err := c.ScoreInPages(&pluginv1.ScoreRequest{
		ViewVersion: view.Version, Full: true, Nodes: view.Nodes, Chains: view.Chains,
	}, 0)
	return table.GetChains(), err
}

// ScoreInPages calls version 2 of a placement scorer, as hosts do: the request and the
// answer are pages of so many bytes at most, or of the usual size for 0. For a change to a
// view that was answered, the table has only what is scored otherwise than before. The
// error also says what is wrong with the pages.
func (c *Client) ScoreInPages(req *pluginv1.ScoreRequest, pageBytes int) (*meshosv1.ScoreTable, error) {
	ctx, cancel := c.context()
	defer cancel()
	stream, err := pluginv1.NewPlacementScorerV2Client(c.conn).Score(ctx)
	if err != nil {
		return nil, err
	}
	limit := wire.PageLimit(uint32(pageBytes))
	for page := range scorepages.SplitView(req, limit) {
		if err := stream.Send(page); err != nil {
			break // Recv has the reason
		}
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	var out scorepages.Table
	for {
		page, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && out.Table == nil:
			return nil, errors.New("the answer has no page")
		case errors.Is(err, io.EOF):
			return out.Table, nil
		case err != nil:
			return nil, err
		case len(page.GetChains()) > 1 && proto.Size(page) > limit:
			return nil, fmt.Errorf("a page of %d chains has %d bytes, over the limit of %d", len(page.GetChains()), proto.Size(page), limit)
		}
		if err := out.Add(page); err != nil {
			return nil, fmt.Errorf("scores of view %d: %w", req.GetViewVersion(), err)
		}
	}
}

// ScoreRequest calls version 1 of a placement scorer, in which a view and its scores are
// one message each, with any request, such as one that has only the changes to a view.
func (c *Client) ScoreRequest(req *pluginv1.ScoreRequest) (*meshosv1.ScoreTable, error) {
	ctx, cancel := c.context()
	defer cancel()
	return pluginv1.NewPlacementScorerClient(c.conn).Score(ctx, req)
}

// Abort calls a migration aborter.
func (c *Client) Abort(migration uint64, reason string) error {
	ctx, cancel := c.context()
	defer cancel()
	_, err := pluginv1.NewMigrationAborterClient(c.conn).Abort(ctx,
		&pluginv1.AbortRequest{Migration: migration, Reason: reason})
	return err
}

// ListMigrations calls a migration source.
func (c *Client) ListMigrations() ([]*meshosv1.MigrationView, error) {
	ctx, cancel := c.context()
	defer cancel()
	resp, err := pluginv1.NewMigrationSourceClient(c.conn).List(ctx, &pluginv1.ListMigrationsRequest{})
	return resp.GetInFlight(), err
}

// Append calls a chain appender.
func (c *Client) Append(records ...*meshosv1.Record) error {
	ctx, cancel := c.context()
	defer cancel()
	_, err := pluginv1.NewChainAppenderClient(c.conn).Append(ctx, &pluginv1.AppendRequest{Records: records})
	return err
}

// Dispatch calls an actuator.
func (c *Client) Dispatch(id uint64, action *meshosv1.Action) ([]*meshosv1.Event, error) {
	ctx, cancel := c.context()
	defer cancel()
	resp, err := pluginv1.NewActuatorClient(c.conn).Dispatch(ctx,
		&pluginv1.DispatchRequest{ActionId: id, Action: action})
	return resp.GetEvents(), err
}

// Events calls an event source. It returns once n events have come or the plugin has
// ended the stream.
func (c *Client) Events(n int) ([]*meshosv1.Event, error) {
	ctx, cancel := c.context()
	defer cancel()
	stream, err := pluginv1.NewEventSourceClient(c.conn).Events(ctx, &pluginv1.EventsRequest{})
	if err != nil {
		return nil, err
	}
	var events []*meshosv1.Event
	for len(events) < n {
		batch, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, batch.GetEvents()...)
	}
	return events, nil
}

// Recover calls a recovery handler with the healthy nodes.
func (c *Client) Recover(healthy ...uint64) (slots []uint32, events []*meshosv1.Event, err error) {
	ctx, cancel := c.context()
	defer cancel()
	resp, err := pluginv1.NewRecoveryHandlerClient(c.conn).Recover(ctx,
		&pluginv1.RecoverRequest{HealthyNodes: healthy})
	return resp.GetRecoveredSlots(), resp.GetEvents(), err
}

// Deliver calls a control sink.
func (c *Client) Deliver(event *pluginv1.ControlEvent) error {
	ctx, cancel := c.context()
	defer cancel()
	_, err := pluginv1.NewControlSinkClient(c.conn).Deliver(ctx, event)
	return err
}
