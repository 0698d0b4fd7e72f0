package scenario_test

import (
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/scenario"
)

const all = `nodes 5
seeds 3
chains 4
replicas 2
operators
end 1m30s
at 1s network delay 50ms loss 10%
at 2s cut 1,2 | 3,4,5
at 3s one-way 1,2 > 3
at 4s heal
at 5s kill 3 for 5s
at 6s kill 3 recording for 5s
at 7s kill 3 recorded for 5s
at 8s stop 3 for 5s
at 9s clock 3 +1h0m0s
at 10s clock 3 -1h0m0s
at 11s wipe-seed 1,2
at 12s set-back-seed 1 by 3
at 13s set-back-record 4 by 2
at 14s lie 4 gap for 10s
at 15s order A on 3: cordon 2
at 16s order B on 1: freeze 1m0s
at 17s order C on 1: thaw
expect A accepted
expect C answered
expect equal
`

func TestAStoryIsReadAsItIsWritten(t *testing.T) {
	s, err := scenario.Parse("# who\n" + all)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.String(); got != all {
		t.Errorf("read:\n%s\nwant:\n%s", got, all)
	}
}

func TestAMistakeIsNamedWithItsLine(t *testing.T) {
	for line, want := range map[string]string{
		"at 5s order D on 7: cordon 1": "there is no node 7",
		"at 5s order A on 1: cordon 1": "two orders have the name A",
		"at 5s kill 3":                 `line 27: "at 5s kill 3": "for" is missing`,
		"at 5s heal now":               `"now" is too much`,
		"at x heal":                    `"x" is not a time such as 90s`,
		"at 5s lie 4 well for 1s":      "a plugin lies by gap, reorder, flip or junk",
		"at 5s order D on 1: dance":    `there is no command "dance"`,
		"expect Z accepted":            "there is no order Z",
		"expect accepted":              "nothing like that can be expected",
		"nodes":                        "it ends too early",
		"what":                         "no line begins so",
	} {
		if _, err := scenario.Parse(all + line + "\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}
