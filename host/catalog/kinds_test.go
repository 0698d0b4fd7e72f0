package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
)

// A plugin may serve more at its next start than at this one. What acts or brings events
// counts only when its entry asks for it.
func TestKindsThatActCountOnlyWhenTheEntryAsksForThem(t *testing.T) {
	t.Parallel()
	path, err := buildSDKPlugin()
	if err != nil {
		t.Fatal(err)
	}
	sdk := func(name string, change func(*catalog.Entry)) catalog.Entry {
		e := catalog.Entry{Name: name, Path: path, Enabled: true}
		change(&e)
		return e
	}
	r := start(t, []catalog.Entry{
		sdk("mute", func(*catalog.Entry) {}),
		sdk("source", func(e *catalog.Entry) { e.Asks = []string{catalog.KindEventSource} }),
		sdk("named", func(e *catalog.Entry) { e.Kinds = []string{catalog.KindActuator} }),
		entry("appender", ""),
	})
	for name, want := range map[string]struct{ kinds, lacks, line string }{
		"mute": {
			"control_sink", "not used as actuator, event_source, recovery_handler,",
			`add kinds = ["actuator", "control_sink", "event_source", "recovery_handler"]`,
		},
		"source": {"control_sink,event_source", "not used as actuator, recovery_handler,", `add kinds = [`},
		"named":  {"actuator", "", ""},
		"appender": {
			"health_probe,inventory_probe,locality_probe,migration_aborter,migration_source,placement_scorer",
			"not used as chain_appender,", `add kinds = ["chain_appender", "health_probe"`,
		},
	} {
		v := r.waitFor(name, snapshot.PluginReady)
		if got := strings.Join(v.Kinds, ","); got != want.kinds {
			t.Errorf("%s is used as %s, want %s", name, got, want.kinds)
		}
		warnings := strings.Join(v.Warnings, "")
		if !strings.Contains(warnings, want.lacks) || !strings.Contains(warnings, want.line) || (want.lacks == "") != (warnings == "") {
			t.Errorf("%s: warnings %q, want %q and %q", name, warnings, want.lacks, want.line)
		}
		d, err := r.Describe(name)
		if err != nil || want.lacks != "" && !slices.Contains(d.GetWarnings(), warnings) {
			t.Errorf("%s: described with %q, %v", name, d.GetWarnings(), err)
		}
		if want.lacks != "" {
			r.until("the warning is in the log", r.contains(&r.logs, "4 "+name+": it is "+want.lacks))
		}
	}
	if len(r.Actuators()) != 1 {
		t.Errorf("%d actuators, want the one whose entry says so", len(r.Actuators()))
	}
}
