package catalog_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
)

func TestAnswersThatFailTheCall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode string
		kind error
		want string
	}{
		{"huge", catalog.ErrTooLarge, `^plugin p: LocalityProbe.SampleRtt: message too large: .*4194304.*; it has to send less in one answer$`},
		{"empty-items", catalog.ErrTooLarge, `^plugin p: InventoryProbe.SampleInventory: message too large: .*: they consist of empty or tiny items; it has to send less in one answer$`},
		{"columns", catalog.ErrBadAnswer, `^plugin p: LocalityProbe.SampleRtt: bad answer: 1 peers but 0 rtt_ns; its author has to fix that$`},
	} {
		r := start(t, []catalog.Entry{entry("p", c.mode, func(e *catalog.Entry) { e.Timeout = testkit.Patience })})
		r.waitFor("p", snapshot.PluginReady)
		_, err := r.locality("p").SampleRTT(context.Background())
		if c.mode == "empty-items" {
			probe, _ := r.InventoryProbe("p")
			_, err = probe.SampleInventory(context.Background())
		}
		if !errors.Is(err, c.kind) || !regexp.MustCompile(c.want).MatchString(err.Error()) {
			t.Errorf("%s: %v", c.mode, err)
		}
		if v := r.view("p"); v.Status != snapshot.PluginReady || v.Failures != 1 {
			t.Errorf("%s: view %+v", c.mode, v)
		}
	}
}

// A request that is too large fails in the host, and the error does not blame the answer.
func TestRequestThatIsTooLargeIsNotTheAnswersFault(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "")})
	r.waitFor("p", snapshot.PluginReady)
	err := r.Aborter().Abort(t.Context(), 1, strings.Repeat("x", 5<<20))
	if !errors.Is(err, catalog.ErrTooLarge) || !strings.HasSuffix(err.Error(), "; the request does not fit into one message") {
		t.Errorf("got %v", err)
	}
}

func TestImpossibleItemsAreDiscardedAndReportedOnce(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "liar")})
	r.waitFor("p", snapshot.PluginReady)
	for range 3 {
		got, err := r.locality("p").SampleRTT(context.Background())
		if err != nil || len(got.Samples) != 1 || got.Samples[0].Peer != 2 {
			t.Errorf("samples %v, %v", got, err)
		}
	}
	want := []string{"p: LocalityProbe.SampleRtt: discarded from its answer: peer twice in an answer (peer 2); " +
		"rtt above 10m0s (peer 4: 2562047h47m16.854775807s); rtt not above zero (peer 3: -1ns); " +
		"sample for this node (peer 1); unknown peer (peer 99); reported once, counted from now on; its author has to fix that"}
	if d := cmp.Diff(want, r.lines(&r.failures)); d != "" {
		t.Error(d)
	}
	detail, err := r.Describe("p")
	if err != nil || !strings.Contains(strings.Join(detail.GetWarnings(), "\n"), "discarded from its answers 3 times: unknown peer (first: peer 99)") {
		t.Errorf("warnings %q, %v", detail.GetWarnings(), err)
	}
}
