package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
)

// answerWithin is how long an answer may take: what is not answered then counts as lost.
const answerWithin = 2 * time.Second

// ErrNoStream says that there is no such stream.
var ErrNoStream = errors.New("there is no such stream")

// Client asks the engine. It is safe for concurrent use.
type Client struct {
	nc *nats.Conn
}

// NewClient returns a client that asks over a connection.
func NewClient(nc *nats.Conn) *Client { return &Client{nc} }

// Info returns how a stream is, as its leader says. The error is ErrNoStream if there is none.
func (c *Client) Info(ctx context.Context, stream string) (chains.Info, error) {
	got, err := c.info(ctx, stream)
	if err != nil {
		return chains.Info{}, err
	}
	i := infoOf(got.Cluster, replicasOf(got.Config), got.State, "")
	i.Tags = tagsOf(got.Config)
	return i, nil
}

// Config returns the configuration of a stream.
func (c *Client) Config(ctx context.Context, stream string) (*server.StreamConfig, error) {
	got, err := c.info(ctx, stream)
	if err != nil {
		return nil, err
	}
	config := &server.StreamConfig{}
	if err := json.Unmarshal(got.Config, config); err != nil {
		return nil, fmt.Errorf("stream %s: %w", stream, err)
	}
	return config, nil
}

func (c *Client) info(ctx context.Context, stream string) (*streamInfo, error) {
	got := &streamInfo{}
	if err := c.ask(ctx, fmt.Sprintf(server.JSApiStreamInfoT, stream), nil, got); err != nil {
		return nil, fmt.Errorf("stream %s: %w", stream, err)
	}
	switch {
	case got.Error != nil && got.Error.ErrCode == uint16(server.JSStreamNotFoundErr):
		return nil, ErrNoStream
	case got.Error != nil:
		return nil, fmt.Errorf("stream %s: %w", stream, got.Error)
	}
	return got, nil
}

// ask sends a request and reads its answer.
func (c *Client) ask(ctx context.Context, subject string, body []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	m, err := c.nc.RequestWithContext(ctx, subject, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(m.Data, answer)
}

// change sends a request that changes something.
func (c *Client) change(ctx context.Context, subject string, body any) chains.Answer {
	raw, err := json.Marshal(body)
	if err != nil {
		return chains.Answer{Code: 1, Text: err.Error()}
	}
	var got server.ApiResponse
	switch err := c.ask(ctx, subject, raw, &got); {
	case errors.Is(err, nats.ErrNoResponders): // no server of the cluster is reached: nothing was taken
		return chains.Answer{Code: chains.CodeUnavailable, Text: "no server of the cluster answers"}
	case err != nil:
		return chains.Answer{Lost: true, Text: err.Error()}
	case got.Error != nil:
		return chains.Answer{Code: int(got.Error.ErrCode), Text: got.Error.Description}
	}
	return chains.Answer{}
}

// Do sends the request of a step of a move. Config is what a stream that is to be created is
// like.
func (c *Client) Do(ctx context.Context, m *chains.Move, ask chains.Ask, config *server.StreamConfig) chains.Answer {
	switch ask {
	case chains.AskCreate:
		config := *config
		config.Name, config.Replicas = m.Stream, m.Replicas
		return c.change(ctx, fmt.Sprintf(server.JSApiStreamCreateT, m.Stream), config)
	case chains.AskReplicas:
		return c.update(ctx, m.Stream, func(config json.RawMessage) ([]byte, error) { return withReplicas(config, m.Replicas) })
	case chains.AskPlacement:
		return c.update(ctx, m.Stream, func(config json.RawMessage) ([]byte, error) { return withTag(config, m.Tag) })
	case chains.AskEvacuate:
		return c.change(ctx, fmt.Sprintf(server.JSApiStreamEvacuatePeerT, m.Stream), server.JSApiStreamEvacuatePeerRequest{Peer: m.Victim})
	case chains.AskBack:
		return c.change(ctx, fmt.Sprintf(server.JSApiStreamEvacuatePeerT, m.Stream), server.JSApiStreamEvacuatePeerRequest{Peer: m.Targets[0]})
	case chains.AskRemove:
		return c.change(ctx, fmt.Sprintf(server.JSApiStreamRemovePeerT, m.Stream), server.JSApiStreamRemovePeerRequest{Peer: m.Victim})
	case chains.AskStepDown:
		return c.change(ctx, fmt.Sprintf(server.JSApiStreamLeaderStepDownT, m.Stream),
			server.JSApiLeaderStepdownRequest{Placement: &server.Placement{Preferred: m.Targets[0]}})
	case chains.AskCancel:
		return c.change(ctx, fmt.Sprintf(server.JSApiStreamCancelMoveT, m.Stream), struct{}{})
	}
	return chains.Answer{Code: 1, Text: fmt.Sprintf("request %d is not known", ask)}
}

// update changes one thing of the configuration as it is now.
func (c *Client) update(ctx context.Context, stream string, with func(json.RawMessage) ([]byte, error)) chains.Answer {
	got, err := c.info(ctx, stream)
	if err != nil { // nothing was asked, and it can be asked again
		return chains.Answer{Code: chains.CodeUnavailable, Text: err.Error()}
	}
	config, err := with(got.Config)
	if err != nil {
		return chains.Answer{Code: 1, Text: err.Error()}
	}
	return c.change(ctx, fmt.Sprintf(server.JSApiStreamUpdateT, stream), json.RawMessage(config))
}

// Delete deletes a stream. That it is gone already is no error.
func (c *Client) Delete(ctx context.Context, stream string) error {
	a := c.change(ctx, fmt.Sprintf(server.JSApiStreamDeleteT, stream), struct{}{})
	switch {
	case a.Lost:
		return fmt.Errorf("delete %s: no answer: %s", stream, a.Text)
	case a.Code != 0 && a.Code != int(server.JSStreamNotFoundErr):
		return fmt.Errorf("delete %s: %s (%d)", stream, a.Text, a.Code)
	}
	return nil
}
