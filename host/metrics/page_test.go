package metrics_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The page for operators lists every metric with its type.
func TestEveryMetricIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	m := served(all())
	follow(m, all())
	m.Action("start_daemon", "dispatched", time.Millisecond)
	m.Call("health-tcp", "HealthProbe.SampleHealth", time.Millisecond)
	families, err := m.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	ours := 0
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "meshos_") {
			continue
		}
		ours++
		var labels []string
		for _, pair := range family.GetMetric()[0].GetLabel() {
			if pair.GetName() != "node" { // all have it
				labels = append(labels, "`"+pair.GetName()+"`")
			}
		}
		row := regexp.MustCompile("(?m)^\\| `" + family.GetName() + "` \\| " + strings.ToLower(family.GetType().String()) + " \\| ([^|]*)\\|").FindStringSubmatch(string(page))
		if row == nil {
			t.Errorf("docs/monitoring.md has no row for the %s %s", family.GetType(), family.GetName())
			continue
		}
		listed := strings.Split(strings.TrimSpace(row[1]), ", ")
		slices.Sort(listed)
		if got := strings.Join(listed, ", "); got != strings.Join(labels, ", ") {
			t.Errorf("docs/monitoring.md: %s has the labels %v, not %q", family.GetName(), labels, got)
		}
	}
	if listed := strings.Count(string(page), "| `meshos_"); listed != ours {
		t.Errorf("docs/monitoring.md lists %d metrics, a node has %d", listed, ours)
	}
}
