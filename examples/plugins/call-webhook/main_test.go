package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestMain(m *testing.M) { catalogtest.Main(m, main) }

// drop is the action of these tests.
func drop() *meshosv1.Action {
	return &meshosv1.Action{Kind: &meshosv1.Action_DropReplica{DropReplica: &meshosv1.DropReplica{Chain: 7}}}
}

// service is a web service that answers with this, and the URL to find it at.
func service(t *testing.T, status int, answer string) (url string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked pluginv1.DispatchRequest
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = protojson.Unmarshal(body, &asked)
		}
		if err != nil || r.Method != http.MethodPost || asked.GetActionId() != 5 || asked.GetAction().GetDropReplica().GetChain() != 7 {
			t.Errorf("asked with %s %v, %v", r.Method, &asked, err)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestTheServiceCarriesOutTheActionAndAnswersWithWhatChanged(t *testing.T) {
	url := service(t, http.StatusOK, `{"events": [{"replica_update": {"kind": "KIND_REMOVED", "chain": "7", "holder": "1"}}]}`)
	plugin := plugintest.Start(t, newWebhook, config{URL: url})
	events, err := plugin.Dispatch(5, drop())
	if err != nil || len(events) != 1 || events[0].GetReplicaUpdate().GetChain() != 7 {
		t.Fatalf("got %v, %v", events, err)
	}
}

func TestAnActionThatTheServiceRefusesHasFailed(t *testing.T) {
	plugin := plugintest.Start(t, newWebhook, config{URL: service(t, http.StatusConflict, "it is pinned")})
	_, err := plugin.Dispatch(5, drop())
	if err == nil || !strings.HasSuffix(err.Error(), ": 409 Conflict: it is pinned") {
		t.Fatalf("got %v", err)
	}
}

func TestAnActionIsTriedAgainWhenTheServiceIsAway(t *testing.T) {
	away := httptest.NewServer(nil)
	away.Close()
	plugin := plugintest.Start(t, newWebhook, config{URL: away.URL})
	_, err := plugin.Dispatch(5, drop())
	st := status.Convert(err)
	if st.Code() != codes.Unavailable || len(st.Details()) != 1 {
		t.Fatalf("got %v", err)
	}
	if after := st.Details()[0].(*errdetails.RetryInfo).GetRetryDelay().AsDuration(); after != 5*time.Second {
		t.Errorf("to be tried again after %v", after)
	}
}

func TestProcessCallsTheService(t *testing.T) {
	url := service(t, http.StatusOK, `{}`)
	actuator, err := catalogtest.Start(t, "call-webhook", map[string]any{"url": url}).Actuator("call-webhook")
	if err != nil {
		t.Fatal(err)
	}
	if events, err := actuator.Dispatch(t.Context(), 5, drop()); err != nil || len(events) != 0 {
		t.Errorf("got %v, %v", events, err)
	}
}
