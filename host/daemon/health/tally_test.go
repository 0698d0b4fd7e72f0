package health

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
)

const (
	unknown   = mesh.DaemonUnknown
	healthy   = mesh.DaemonHealthy
	degraded  = mesh.DaemonDegraded
	unhealthy = mesh.DaemonUnhealthy
)

// letters shows verdicts: ? H D U.
var letters = map[mesh.DaemonStatus]string{unknown: "?", healthy: "H", degraded: "D", unhealthy: "U"}

func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		failures, successes int
		answers             string // + and -
		want                string
	}{
		"healthy at once":                          {3, 1, "+++", "HHH"},
		"degraded first, unhealthy after three":    {3, 1, "+---+", "HDDUH"},
		"one failure is enough":                    {1, 1, "+-+", "HUH"},
		"a success between begins the count anew":  {3, 1, "--+--+", "DDHDDH"},
		"two successes are needed":                 {3, 2, "+-++", "?DDH"},
		"nothing is known before enough successes": {3, 3, "+++", "??H"},
		"a success alone does not heal":            {2, 2, "--+-+-++", "DUUUUUUH"},
		"failures go on":                           {2, 1, "-----", "DUUUU"},
	} {
		t.Run(name, func(t *testing.T) {
			var tally Tally
			var got strings.Builder
			for _, a := range c.answers {
				th := Thresholds{Failures: c.failures, Successes: c.successes}
				if a == '+' {
					tally.Succeeded(th)
				} else {
					tally.Failed("why", th)
				}
				got.WriteString(letters[tally.Verdict().Status])
			}
			if got.String() != c.want {
				t.Errorf("%s gave %s, want %s", c.answers, got.String(), c.want)
			}
		})
	}
}

func TestAVerdictFollowsFromTheLastAnswersAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		th := Thresholds{Failures: rapid.IntRange(1, 5).Draw(t, "failures"), Successes: rapid.IntRange(1, 5).Draw(t, "successes")}
		var tally Tally
		run, good := 0, false // how many of one kind in a row
		for i := range rapid.IntRange(1, 100).Draw(t, "answers") {
			before := tally.Verdict().Status
			ok := rapid.Bool().Draw(t, "ok")
			if ok != good || i == 0 {
				run = 0
			}
			run, good = run+1, ok
			if ok {
				tally.Succeeded(th)
			} else {
				tally.Failed("why", th)
			}
			now := tally.Verdict()
			switch {
			case ok && run >= th.Successes:
				if now.Status != healthy {
					t.Fatalf("%d successes in a row and %v", run, now)
				}
			case ok:
				if now.Status != before {
					t.Fatalf("%d successes in a row changed %v to %v", run, before, now)
				}
			case run >= th.Failures && now.Status != unhealthy:
				t.Fatalf("%d failures in a row and %v", run, now)
			case now.Status < degraded || now.Status < before && before != unknown:
				t.Fatalf("a failure changed %v to %v", before, now)
			}
			if (now.Status >= degraded) != (now.Reason != "") {
				t.Fatalf("verdict %+v", now)
			}
		}
	})
}
