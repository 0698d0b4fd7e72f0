package main

import (
	"encoding/json"
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

// What was ordered, or configured, already is no change; restarting a daemon always is one.
func TestOrdersThatChangeNothingSaySo(t *testing.T) {
	ordered := &meshosv1.OrderView{Height: 3}
	for line, want := range map[string]string{
		"daemon start a":                      "daemon 1 (a) runs already",
		"daemon stop a":                       "",
		"daemon restart a":                    "",
		"daemon reset a":                      "nothing is ordered about daemon 1 (a)",
		"daemon start b":                      "",
		"daemon stop b":                       "daemon 2 (b) is stopped already",
		"daemon reset b":                      "",
		"daemon start c":                      "daemon 3 (c) is to run already; meshos explain daemon 3 says why it does not",
		"admin set-placement 7 --replicas 2":  "chain 7 is to have 2 replicas already",
		"admin set-placement 7 --replicas 3":  "",
		"admin set-placement 7 --reset":       "nothing is ordered about the replicas of chain 7",
		"admin set-placement 8 --reset":       "",
		"admin set-placement 99 --reset":      "", // this node does not know it
		"admin set-replica 7 --hold":          "node 1 is to hold chain 7 already",
		"admin set-replica 7 --drop":          "",
		"admin set-replica 7 --reset":         "",
		"admin set-replica 8 --reset":         "nothing is ordered about the replica of chain 8 on node 1",
		"admin set-replica 8 --drop":          "node 1 is to drop chain 8 already",
		"admin set-replica 8 --drop --node 2": "",
		"admin drop-replicas 8":               "node 1 is to drop them already",
		"admin drop-replicas 7 8":             "",
		"ice evict 7 --victim 3":              "node 1 knows that node 3 does not hold chain 7",
		"ice evict 7 --victim 1":              "",
		"ice evict 99 --victim 1":             "",
		"ice cutover 7 --target 1":            "node 1 knows that node 1 holds chain 7 already",
		"ice cutover 7 --target 3":            "",
	} {
		j, d, _ := newOperatorNode(t, "")
		run, stop := meshosv1.DaemonIntent_INTENT_RUN, meshosv1.DaemonIntent_INTENT_STOP
		j.snapshot.Daemons = []*meshosv1.DaemonView{
			{Daemon: &meshosv1.DaemonRef{Id: 1, Name: "a"}, Intent: run, Lifecycle: meshosv1.DaemonView_LIFECYCLE_RUNNING},
			{Daemon: &meshosv1.DaemonRef{Id: 2, Name: "b"}, Intent: stop, Lifecycle: meshosv1.DaemonView_LIFECYCLE_STOPPED, Ordered: ordered},
			{Daemon: &meshosv1.DaemonRef{Id: 3, Name: "c"}, Intent: run, Lifecycle: meshosv1.DaemonView_LIFECYCLE_STOPPED},
		}
		two := uint32(2)
		j.snapshot.Replicas = []*meshosv1.ReplicaView{
			{Chain: 7, Holders: []uint64{1}, Desired: &two, LocalIntent: meshosv1.LocalReplicaIntent_INTENT_HOLD, LocalOrdered: ordered},
			{Chain: 8, Holders: []uint64{1}, Desired: &two, Ordered: ordered, LocalIntent: meshosv1.LocalReplicaIntent_INTENT_DROP},
		}
		line += " --yes --unsigned -o json"
		if strings.HasPrefix(line, "ice") {
			line += " --expect-hash " + hexOf(hashOf(j.blast))
		}
		d.must(t, line)
		var got struct {
			Why string `json:"nothing_changed"`
		}
		if err := json.Unmarshal([]byte(d.out.String()), &got); err != nil || got.Why != want {
			t.Errorf("%s: %v, %q, want %q", line, err, got.Why, want)
		}
		if told := strings.Contains(d.err.String(), "Nothing would change: "); told != (want != "") {
			t.Errorf("%s: before it says\n%s", line, d.err.String())
		}
	}
}
