package main

import (
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// A command that changes nothing says so: before it is sent, and afterwards.
func TestACommandThatChangesNothingSaysSo(t *testing.T) {
	for line, why := range map[string]string{
		"admin cordon":           "node 1 is cordoned already", // the node of these tests is
		"admin exit-maintenance": "",
		"admin uncordon":         "",
		"admin clear-avoid":      "",
		"admin cordon --node 3":  "", // this node does not know how that one is
	} {
		_, d, _ := newOperatorNode(t, "")
		d.must(t, line+" --yes --unsigned")
		before, after := strings.Contains(d.err.String(), "Nothing would change: "+why+"."), strings.Contains(d.out.String(), "Nothing changed: "+why+".\n")
		if before != (why != "") || after != (why != "") {
			t.Errorf("%s: %s%s", line, d.err.String(), d.out.String())
		}
	}
	for line, why := range map[string]string{
		"admin uncordon":         "node 1 is not cordoned",
		"admin exit-maintenance": "node 1 is not in maintenance",
		"admin clear-avoid":      "node 1 avoids no peer",
	} {
		j, d, _ := newOperatorNode(t, "")
		j.snapshot.LocalMaintenance = &meshosv1.MaintenanceView{Phase: meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE}
		j.snapshot.AvoidList = nil
		d.must(t, line+" --yes --unsigned")
		if want := "Nothing changed: " + why + ".\n"; !strings.HasSuffix(d.out.String(), want) {
			t.Errorf("%s: %s", line, d.out.String())
		}
	}
}
