package healthprobe

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/pluginsdk"
)

var usualPolicy = Policy{DegradedAfter: 250 * time.Millisecond, Failures: 3, Successes: 2}

// Letters of attempts: o fast success, s slow success, x failure. Letters of
// verdicts: . none yet, h healthy, d degraded, u unreachable.
var verdictLetter = map[pluginsdk.Health]string{unknown: ".", pluginsdk.Healthy: "h", pluginsdk.Degraded: "d", pluginsdk.Unreachable: "u"}

func feed(v *verdict, p Policy, letter rune) (changed bool) {
	switch letter {
	case 'o':
		return v.success(true, p)
	case 's':
		return v.success(false, p)
	}
	return v.failure(p)
}

func TestVerdict(t *testing.T) {
	strict := Policy{DegradedAfter: time.Millisecond, Failures: 1, Successes: 1}
	tests := map[string]struct {
		p              Policy
		attempts, want string
	}{
		"healthy at the first success":                         {usualPolicy, "ooo", "hhh"},
		"nobody listens: nothing is said before unreachable":   {usualPolicy, "xxxx", "..uu"},
		"one failure degrades":                                 {usualPolicy, "ox", "hd"},
		"a blip: two successes make it healthy again":          {usualPolicy, "oxoo", "hddh"},
		"failures must be in a row":                            {usualPolicy, "oxxoxxoxxx", "hddddddddu"},
		"unreachable holds until two successes in a row":       {usualPolicy, "xxxoxoo", "..uuuuh"},
		"flapping stays unreachable":                           {usualPolicy, "xxxoxoxox", "..uuuuuuu"},
		"slow from the start":                                  {usualPolicy, "ss", "dd"},
		"slow degrades, two fast ones heal":                    {usualPolicy, "osoo", "hddh"},
		"slow between fast ones starts over":                   {usualPolicy, "ososoo", "hddddh"},
		"back from unreachable but slow":                       {usualPolicy, "xxxssoo", "..uuddh"},
		"back from unreachable, once slow":                     {usualPolicy, "xxxsoo", "..uudh"},
		"a failure before the first success leaves a doubt":    {usualPolicy, "xoo", ".dh"},
		"failures after a slow start count from the first one": {usualPolicy, "sxxx", "dddu"},
		"thresholds of one":                                    {strict, "xoxs", "uhud"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var v verdict
			var got strings.Builder
			for _, a := range tt.attempts {
				before := v.health
				if changed := feed(&v, tt.p, a); changed != (v.health != before) {
					t.Errorf("after %q: changed %v, but %v became %v", got.String(), changed, before, v.health)
				}
				got.WriteString(verdictLetter[v.health])
			}
			if got.String() != tt.want {
				t.Errorf("%s: got %s, want %s", tt.attempts, got.String(), tt.want)
			}
		})
	}
}

func TestVerdictHoldsItsRulesForAnyAttempts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{DegradedAfter: time.Second, Failures: rapid.IntRange(1, 5).Draw(t, "failures"), Successes: rapid.IntRange(1, 5).Draw(t, "successes")}
		attempts := rapid.StringOfN(rapid.SampledFrom([]rune("osx")), 1, 40, -1).Draw(t, "attempts")
		var v verdict
		for i, a := range attempts {
			feed(&v, p, a)
			done := attempts[:i+1]
			if strings.HasSuffix(done, strings.Repeat("x", p.Failures)) && v.health != pluginsdk.Unreachable {
				t.Fatalf("%s: %v after %d failures", done, v.health, p.Failures)
			}
			if strings.HasSuffix(done, strings.Repeat("o", p.Successes)) && v.health != pluginsdk.Healthy {
				t.Fatalf("%s: %v after %d fast successes", done, v.health, p.Successes)
			}
			if v.health == pluginsdk.Healthy && a != 'o' {
				t.Fatalf("%s: healthy after %c", done, a)
			}
			if v.health == pluginsdk.Unreachable && !strings.Contains(done, strings.Repeat("x", p.Failures)) {
				t.Fatalf("%s: unreachable without %d failures in a row", done, p.Failures)
			}
		}
	})
}
