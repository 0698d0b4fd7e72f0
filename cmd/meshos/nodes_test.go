package main

import (
	"slices"
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Wherever a node is named, its name does as well as its id.
func TestNodesAreNamedByIDOrName(t *testing.T) {
	for line, want := range map[string]uint64{
		"admin cordon --node beta":                       2,
		"admin cordon --node 2":                          2,
		"admin cordon --node 99":                         99, // nobody's: names are labels, and ids are not
		"admin cordon --node alpha":                      1,
		"admin cordon":                                   1,
		"admin drain --node beta":                        2,
		"admin enter-maintenance --node beta":            2,
		"admin drop-replicas 7 --node beta":              2,
		"admin set-placement 7 --replicas 2 --node beta": 2,
		"admin set-replica 7 --hold --node beta":         2,
		"admin restart-daemons --node beta":              2,
		"ice flush-avoid --local alpha":                  1,
		"ice flush-avoid --on-peer beta":                 2,
		"ice evict 7 --victim beta":                      2,
		"ice cutover 7 --target beta":                    2,
	} {
		j, d, _ := newOperatorNode(t, "")
		j.snapshot.Info = &meshosv1.NodeInfo{Name: "alpha"}
		j.snapshot.Peers = []*meshosv1.PeerView{{Peer: 2, Name: "beta"}, {Peer: 3, Name: "beta-2"}, {Peer: 4, Name: "twin"}, {Peer: 5, Name: "twin"}}
		confirm := " --yes"
		if strings.HasPrefix(line, "ice") {
			confirm += " --expect-hash " + hexOf(hashOf(j.blast))
		}
		d.must(t, line+" --unsigned"+confirm)
		if got := nodeOf(j.unsigned[0]); got != want {
			t.Errorf("%s is about node %d", line, got)
		}
		at := strings.LastIndex(line, "--")
		if at < 0 {
			continue
		}
		flag := line[at:]
		if word, _, named := strings.Cut(flag, " "); named {
			for name, why := range map[string]string{
				"btea":    word + `: no node has the name "btea"; did you mean beta?`,
				"zzzzzzz": word + `: no node has the name "zzzzzzz"; known are 1 (alpha), 2 (beta), 3 (beta-2), 4 (twin), 5 (twin)`,
				"twin":    word + `: several nodes have the name "twin"; use one of their ids: 4, 5`,
				"0":       "ids of nodes are whole numbers from 1 to 2^64-1",
			} {
				wrong := strings.Replace(line, flag, word+" "+name, 1)
				if code := d.run(t.Context(), wrong+" --dry-run"); code != exitUsage || !strings.Contains(d.err.String(), why) {
					t.Errorf("%s: exit code %d: %s", wrong, code, d.err.String())
				}
			}
			d.out.Reset()
			d.shell.run(t.Context(), append(strings.Fields("__complete "+line[:at]+word), "")...)
			if got := strings.Fields(d.out.String()); len(got) < 5 || !slices.Equal(got[:5], []string{"alpha", "beta", "beta-2", "twin", "twin"}) {
				t.Errorf("%s is completed to %q", word, got)
			}
		}
	}
}

func nodeOf(e *meshosv1.AdminEvent) uint64 {
	switch k := e.GetKind().(type) {
	case *meshosv1.AdminEvent_Cordon:
		return k.Cordon.GetNode()
	case *meshosv1.AdminEvent_Drain:
		return k.Drain.GetNode()
	case *meshosv1.AdminEvent_EnterMaintenance:
		return k.EnterMaintenance.GetNode()
	case *meshosv1.AdminEvent_DropReplicas:
		return k.DropReplicas.GetNode()
	case *meshosv1.AdminEvent_SetPlacement:
		return k.SetPlacement.GetNode()
	case *meshosv1.AdminEvent_SetLocalReplica:
		return k.SetLocalReplica.GetNode()
	case *meshosv1.AdminEvent_RestartAllDaemons:
		return k.RestartAllDaemons.GetNode()
	case *meshosv1.AdminEvent_FlushAvoidLists:
		return k.FlushAvoidLists.GetLocal() + k.FlushAvoidLists.GetOnPeer()
	case *meshosv1.AdminEvent_ForceEvictReplica:
		return k.ForceEvictReplica.GetVictim()
	case *meshosv1.AdminEvent_ForceCutover:
		return k.ForceCutover.GetTarget()
	}
	return 0
}
