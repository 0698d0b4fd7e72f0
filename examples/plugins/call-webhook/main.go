// call-webhook carries out actions by calling a web service. It is the smallest
// actuator that does something: copy it to begin your own.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

type config struct {
	URL string `json:"url" required:"true" doc:"where each action is posted"`
}

type webhook struct{ url string }

func (w *webhook) Dispatch(ctx context.Context, id uint64, action *meshosv1.Action) ([]*meshosv1.Event, error) {
	body, err := protojson.Marshal(&pluginv1.DispatchRequest{ActionId: id, Action: action})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return nil, pluginsdk.Invalid(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, pluginsdk.UnavailableAfter(err, 5*time.Second) // the node tries again then
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("POST %s: %s: %.200s", w.url, resp.Status, answer)
	}
	if err != nil {
		return nil, err // it has failed: the node decides anew
	}
	var done pluginv1.DispatchResponse // what has changed now, as events
	err = protojson.Unmarshal(answer, &done)
	return done.GetEvents(), err
}

func newWebhook(_ pluginsdk.Env, cfg config) (*webhook, error) { return &webhook{cfg.URL}, nil }

func main() { pluginsdk.Main(pluginsdk.Info{Name: "call-webhook", Version: "1.0.0"}, newWebhook) }
