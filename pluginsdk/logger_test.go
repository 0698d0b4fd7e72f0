package pluginsdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
)

type unset struct{ name *string }

func (u unset) String() string { return *u.name }

func TestLinesInJSONHaveTheTextOfValues(t *testing.T) {
	var out bytes.Buffer
	log := textLogger{hclog.New(&hclog.LoggerOptions{Output: &out, JSONFormat: true, DisableTime: true})}
	args := []any{
		"took", 1500 * time.Millisecond, "at", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "peer", netip.MustParseAddr("::1"),
		"n", 7, "error", errors.New("no"), "mode", hclog.Warn, "left", hclog.Fmt("%d %%", 3), "worn",
		unset{},
	}
	log.Named("a").With("since", time.Minute).Info("done", args...)
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, out.Bytes())
	}
	want := map[string]any{
		"@level": "info", "@module": "a", "@message": "done", "took": "1.5s", "since": "1m0s",
		"at": "2026-01-02T03:04:05Z", "peer": "::1", "n": 7.0, "error": "no", "mode": "warn", "left": "3 %",
		"worn": got["worn"], // its String panics, which fmt reports in its own words
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if args[1] != 1500*time.Millisecond {
		t.Error("the caller's arguments were changed")
	}
}
