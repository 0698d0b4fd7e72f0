package plugintest

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// SampleRTT asks for round-trip times: of these peers, or if none are given, of
// those that the plugin was told last.
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
	var out []pluginsdk.RTTSample
	for i, peer := range resp.GetPeers() {
		out = append(out, pluginsdk.RTTSample{Peer: peer, RTT: time.Duration(resp.GetRttNs()[i])})
	}
	return out, nil
}

// SampleHealth asks for the health: of these peers, or if none are given, of those
// that the plugin was told last.
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
	var out []pluginsdk.HealthSample
	for i, peer := range resp.GetPeers() {
		// The numbers of the two enums are the same; the zero is no opinion in both.
		out = append(out, pluginsdk.HealthSample{Peer: peer, Health: pluginsdk.Health(resp.GetHealth()[i])})
	}
	return out, nil
}

func (c *Client) peersFirst(peers []pluginsdk.Peer) error {
	if len(peers) == 0 {
		return nil
	}
	return c.SetPeers(peers...)
}

// SampleInventory asks for inventories.
func (c *Client) SampleInventory() ([]*meshosv1.PeerInventory, error) {
	ctx, cancel := c.context()
	defer cancel()
	resp, err := pluginv1.NewInventoryProbeClient(c.conn).SampleInventory(ctx, &pluginv1.SampleRequest{})
	return resp.GetSamples(), err
}

// Score asks for the scores of a view, sent as a whole.
func (c *Client) Score(view pluginsdk.View) ([]*meshosv1.ChainScore, error) {
	table, err := c.ScoreRequest(&pluginv1.ScoreRequest{
		ViewVersion: view.Version, Full: true, Nodes: view.Nodes, Chains: view.Chains,
	})
	return table.GetChains(), err
}

// ScoreRequest sends any request for scores, such as one with changes only.
func (c *Client) ScoreRequest(req *pluginv1.ScoreRequest) (*meshosv1.ScoreTable, error) {
	ctx, cancel := c.context()
	defer cancel()
	return pluginv1.NewPlacementScorerClient(c.conn).Score(ctx, req)
}

// Abort asks for the end of a migration.
func (c *Client) Abort(migration uint64, reason string) error {
	ctx, cancel := c.context()
	defer cancel()
	_, err := pluginv1.NewMigrationAborterClient(c.conn).Abort(ctx,
		&pluginv1.AbortRequest{Migration: migration, Reason: reason})
	return err
}

// ListMigrations asks for the migrations under way.
func (c *Client) ListMigrations() ([]*meshosv1.MigrationView, error) {
	ctx, cancel := c.context()
	defer cancel()
	resp, err := pluginv1.NewMigrationSourceClient(c.conn).List(ctx, &pluginv1.ListMigrationsRequest{})
	return resp.GetInFlight(), err
}

// Append sends records to be stored.
func (c *Client) Append(records ...*meshosv1.Record) error {
	ctx, cancel := c.context()
	defer cancel()
	_, err := pluginv1.NewChainAppenderClient(c.conn).Append(ctx, &pluginv1.AppendRequest{Records: records})
	return err
}

// Dispatch asks for an action to be carried out.
func (c *Client) Dispatch(id uint64, action *meshosv1.Action) ([]*meshosv1.Event, error) {
	ctx, cancel := c.context()
	defer cancel()
	resp, err := pluginv1.NewActuatorClient(c.conn).Dispatch(ctx,
		&pluginv1.DispatchRequest{ActionId: id, Action: action})
	return resp.GetEvents(), err
}

// Events listens until n events have come or the plugin ended the stream, and
// returns what came.
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

// Recover runs one recovery pass.
func (c *Client) Recover(healthy ...uint64) (slots []uint32, events []*meshosv1.Event, err error) {
	ctx, cancel := c.context()
	defer cancel()
	resp, err := pluginv1.NewRecoveryHandlerClient(c.conn).Recover(ctx,
		&pluginv1.RecoverRequest{HealthyNodes: healthy})
	return resp.GetRecoveredSlots(), resp.GetEvents(), err
}

// Deliver sends a control event.
func (c *Client) Deliver(event *pluginv1.ControlEvent) error {
	ctx, cancel := c.context()
	defer cancel()
	_, err := pluginv1.NewControlSinkClient(c.conn).Deliver(ctx, event)
	return err
}
