package mesh

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// What operators do with a mesh, on one that their own commands made, in the order in which one
// thing leads to the next.
func TestOperatorsWorkWithAMesh(t *testing.T) {
	w := newOperated(t)
	for _, step := range []struct {
		name string
		run  func(*operated)
	}{
		{"any node answers for any node", asksAnyNode},
		{"orders are signed, by two if need be", signs},
		{"what is ordered on another node is watched from here", watches},
		{"nodes are drained one by one", drainsOneByOne},
		{"orders at the door of a node that is cut off", ordersHere},
		{"a break-glass command shows who does not answer", showsWhoIsSilent},
		{"the list of operators is replaced", replacesOperators},
		{"a machine comes back from its backup", comesBack},
		{"a machine leaves", leaves},
	} {
		began := time.Now()
		step.run(w)
		t.Logf("%s: %s", step.name, time.Since(began).Round(time.Millisecond))
		if t.Failed() {
			return
		}
	}
}

func asksAnyNode(w *operated) {
	w.until(2, "runs its daemon", func(s *meshosv1.Snapshot) bool {
		return len(s.GetDaemons()) == 1 && s.GetDaemons()[0].GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING
	})
	for args, want := range map[string]string{
		"status --all":        "slow",
		"status -o json":      `"name": "bravo"`,
		"health":              "",
		"nodes":               "bravo",
		"daemon list":         "slow",
		"plugin list":         "mesh-nats",
		"plugin list -o json": `"mesh-nats"`,
		"explain daemon slow": "daemon 1 (slow)",
		"logs":                "",
		"failures":            "",
		"actions":             "start_daemon",
		"audit tail":          "admit",
		"operators list":      "ana",
		"version":             "",
	} {
		out := ""
		w.wait(func() string { return fmt.Sprintf("--node bravo %s says %q:\n%s", args, want, out) }, func() bool {
			out = w.must(3, append([]string{"--node", "bravo"}, strings.Fields(args)...)...)
			return strings.Contains(out, want) // what is recorded comes to the disk a moment later
		})
	}
	w.fails(3, 2, "--node", "foxtrot", "status")
	w.fails(3, 2, "--node", "bravo", "reload")
}

func signs(w *operated) {
	if said := w.fails(2, 4, "admin", "cordon", "--node", "3", "--yes", "--unsigned"); !strings.Contains(said, "unsigned") {
		w.t.Error(said)
	}
	if said := w.fails(2, 4, w.by("cleo", "admin", "cordon", "--node", "3")...); !strings.Contains(said, "not_authorized") {
		w.t.Error(said)
	}
	if said := w.fails(2, 4, w.ice(2, "ana", "ice", "freeze", "--ttl", "10m")...); !strings.Contains(said, "insufficient_signatures") {
		w.t.Error(said)
	}
	w.must(2, w.ice(2, "ana ben", "ice", "freeze", "--ttl", "10m")...)
	for _, id := range w.all() {
		w.until(id, "is frozen", func(s *meshosv1.Snapshot) bool { return s.GetFreezeRemaining() != nil })
	}
	if said := w.fails(3, 4, w.by("ben", "admin", "cordon", "--node", "3")...); !strings.Contains(said, "freeze_in_effect") {
		w.t.Error(said)
	}
	w.must(3, w.ice(3, "ben", "ice", "thaw")...)
	for _, id := range w.all() {
		w.until(id, "is frozen no more", func(s *meshosv1.Snapshot) bool { return s.GetFreezeRemaining() == nil })
	}
	// The two need not sign on one machine.
	proposal := filepath.Join(w.dir, "night.cmd")
	w.must(1, "ice", "freeze", "--ttl", "10m", "--propose", proposal)
	w.must(3, w.by("ben", "ice", "sign", proposal, "--expect-hash", w.proposed(proposal))...)
	w.must(1, w.by("ana", "ice", "sign", proposal, "--expect-hash", w.proposed(proposal))...)
	w.must(1, "ice", "commit", proposal, "--yes", "--expect-hash", w.proposed(proposal))
	w.until(2, "is frozen by the proposal", func(s *meshosv1.Snapshot) bool { return s.GetFreezeRemaining() != nil })
	w.must(2, w.ice(2, "ana", "ice", "thaw")...)
	w.equal(1, w.all()...)

	var record struct {
		ID string `json:"commit_id"`
	}
	out := w.must(3, w.by("ana", "admin", "cordon", "--node", "3", "-o", "json")...)
	if err := json.Unmarshal([]byte(out), &record); err != nil || record.ID == "" {
		w.t.Fatalf("%v: %s", err, out)
	}
	if said := w.must(1, "audit", "wait", record.ID); !strings.Contains(said, "cordon node 3") {
		w.t.Errorf("audit wait says %s", said)
	}
	if said := w.must(1, "audit", "wait", record.ID, "-o", "json"); !strings.Contains(said, record.ID) {
		w.t.Errorf("audit wait -o json says %s", said)
	}
	w.fails(1, 5, "audit", "wait", strings.Repeat("ab", 32), "--within", "100ms")
	w.must(1, w.by("ben", "admin", "uncordon", "--node", "3")...)
	w.equal(1, w.all()...)
}

// proposed returns the hash of the simulation in a proposal.
func (w *operated) proposed(path string) string {
	w.t.Helper()
	var side struct {
		Command struct {
			Hash string `json:"blast_hash"`
		} `json:"command"`
	}
	text, err := os.ReadFile(path + ".json")
	if err == nil {
		err = json.Unmarshal(text, &side)
	}
	if err != nil || side.Command.Hash == "" {
		w.t.Fatalf("%v: %s", err, text)
	}
	return side.Command.Hash
}

func watches(w *operated) {
	nodes := w.begin(1, "nodes", "-w", "-o", "json")
	nodes.says(`"name":"charlie"`)
	logs := w.begin(1, "logs", "--all-nodes", "-f", "-n", "1")
	logs.says("charlie")
	w.must(3, "publish", `{"log_line":{"level":"LOG_LEVEL_INFO","message":"said on charlie"}}`)
	logs.says("said on charlie")
	w.must(2, w.by("ana", "admin", "cordon", "--node", "charlie")...)
	nodes.says(`"cordoned":true`)
	w.must(2, w.by("ana", "admin", "uncordon", "--node", "charlie")...)

	drain := w.begin(3, w.by("ana", "admin", "drain", "--node", "bravo", "--monitor")...)
	drain.says("daemon 1 (slow)")
	w.mayEnd(true)
	if said := drain.ends(0); !strings.Contains(said, "Node 2 is drained") {
		w.t.Errorf("--monitor says %s", said)
	}
	w.mayEnd(false)
	w.backAgain()
}

// mayEnd has the daemon of node 2 end when it is asked to, or not.
func (w *operated) mayEnd(may bool) {
	w.t.Helper()
	err := os.Remove(w.slow)
	if may {
		err = os.WriteFile(w.slow, nil, 0o600)
	}
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
}

// backAgain ends all drains, and waits until node 2 runs its daemon.
func (w *operated) backAgain() {
	w.t.Helper()
	for _, id := range []string{"2", "3"} {
		w.must(1, w.by("ana", "admin", "uncordon", "--node", id)...)
	}
	w.until(2, "runs its daemon again", func(s *meshosv1.Snapshot) bool {
		m := s.GetLocalMaintenance()
		return !m.GetCordoned() && !m.GetDraining() && s.GetDaemons()[0].GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING
	})
	for _, id := range w.all() {
		w.until(id, "sees nobody drained", func(s *meshosv1.Snapshot) bool {
			for _, p := range s.GetPeers() {
				if p.GetCordoned() || p.GetMember().GetDraining() {
					return false
				}
			}
			return true
		})
	}
}

func drainsOneByOne(w *operated) {
	series := []string{"admin", "drain", "--nodes", "bravo,charlie", "--one-by-one"}
	w.fails(1, 2, series...) // there is no terminal
	drain := w.begin(1, w.by("ana", series...)...)
	drain.says("1/2 bravo: 1 left: daemon 1 (slow)")
	if s := w.snapshot(3); s.GetLocalMaintenance().GetCordoned() {
		w.t.Error("the second node is drained before the first one is")
	}
	w.mayEnd(true)
	if said := drain.ends(0); !strings.Contains(said, "1/2 bravo: drained after") || !strings.Contains(said, "2/2 charlie: drained after") {
		w.t.Errorf("the series says %s", said)
	}
	w.until(3, "is drained", func(s *meshosv1.Snapshot) bool {
		return s.GetLocalMaintenance().GetCordoned() && !s.GetLocalMaintenance().GetDraining()
	})
	w.mayEnd(false)
	w.backAgain()

	drain = w.begin(3, w.by("ben", series...)...)
	drain.says("1/2 bravo: 1 left: daemon 1 (slow)")
	if err := drain.cmd.Process.Signal(syscall.SIGINT); err != nil {
		w.t.Fatal(err)
	}
	said := drain.ends(1)
	for _, text := range []string{
		"1/2 bravo: interrupted; 1 left: daemon 1 (slow)", "not begun: charlie",
		"its drain goes on; to end that: meshos admin uncordon --node bravo", "to go on: meshos admin drain --nodes bravo,charlie ",
	} {
		if !strings.Contains(said, text) {
			w.t.Errorf("%q is not in\n%s", text, said)
		}
	}
	w.mayEnd(true)
	w.until(2, "is drained although nobody watches", func(s *meshosv1.Snapshot) bool { return !s.GetLocalMaintenance().GetDraining() })
	if s := w.snapshot(3); s.GetLocalMaintenance().GetCordoned() {
		w.t.Error("the series goes on after it was interrupted")
	}
	w.mayEnd(false)
	w.backAgain()
}

func ordersHere(w *operated) {
	before := w.equal(1, w.all()...)
	w.stop(1) // the only seed: its links end at once
	w.until(3, "knows that it is cut off", func(s *meshosv1.Snapshot) bool { return !s.GetMesh().GetLink().GetConnected() })
	if said := w.fails(3, 4, w.by("ana", "admin", "cordon")...); !strings.Contains(said, "mesh_unreachable") {
		w.t.Error(said)
	}
	w.must(3, w.by("ana", "admin", "cordon", "--here")...)
	w.until(3, "is cordoned by an order of its own", func(s *meshosv1.Snapshot) bool {
		return s.GetLocalMaintenance().GetCordoned() && s.GetMesh().GetHeight() == before
	})
	if said := w.fails(3, 4, w.by("cleo", "admin", "uncordon", "--here")...); !strings.Contains(said, "not_authorized") {
		w.t.Error(said)
	}
	w.start(1)
	w.until(1, "hears what was ordered there", func(s *meshosv1.Snapshot) bool {
		for _, p := range s.GetPeers() {
			if p.GetPeer() == 3 {
				return len(p.GetMember().GetSummary().GetHere()) > 0 && p.GetCordoned()
			}
		}
		return false
	})
	if said := w.must(1, "nodes"); !strings.Contains(strings.Join(strings.Fields(said), " "), "ordered here") {
		w.t.Errorf("meshos nodes does not say it:\n%s", said)
	}
	w.eventually(1, w.by("ana", "admin", "uncordon", "--node", "3")...) // the mesh has the last word
	w.until(3, "is not cordoned any more", func(s *meshosv1.Snapshot) bool { return !s.GetLocalMaintenance().GetCordoned() })
	w.equal(before+1, w.all()...)
	w.allHear(w.all()...)
}

func showsWhoIsSilent(w *operated) {
	type simulated struct {
		Nodes []struct {
			Node, Unanswered string
			Same             bool
		}
	}
	simulate := func() (out simulated) {
		said := w.must(1, "ice", "thaw", "--dry-run", "-o", "json")
		if err := json.Unmarshal([]byte(said), &out); err != nil {
			w.t.Fatalf("%v: %s", err, said)
		}
		return out
	}
	if got := simulate(); len(got.Nodes) != 2 || got.Nodes[0].Unanswered+got.Nodes[1].Unanswered != "" || !got.Nodes[1].Same {
		w.t.Errorf("all are there: %+v", got)
	}
	w.stop(3)
	w.until(1, "sees that node 3 has ended", func(s *meshosv1.Snapshot) bool {
		for _, p := range s.GetPeers() {
			if p.GetPeer() == 3 {
				return p.GetMember().GetGone()
			}
		}
		return false
	})
	if got := simulate(); len(got.Nodes) != 2 || got.Nodes[0].Unanswered != "" || !strings.Contains(got.Nodes[1].Unanswered, "ended in order") {
		w.t.Errorf("node 3 has ended: %+v", got)
	}
	if said := w.must(1, "ice", "restart-daemon", "slow", "--node", "bravo", "--dry-run"); !strings.Contains(said, "daemon 1 (slow) runs") || !strings.Contains(said, "no answer of 3 (charlie)") {
		w.t.Errorf("of a daemon of another node: %s", said)
	}
	if said := w.fails(1, 3, w.by("ana", "admin", "drain", "--nodes", "bravo,charlie", "--one-by-one")...); !strings.Contains(said, "nothing was ordered") {
		w.t.Error(said)
	}
	w.start(3)
	w.allHear(w.all()...)
}

func replacesOperators(w *operated) {
	next := w.signers("cleo", "dan")
	if said := w.fails(1, 4, w.ice(1, "ana ben", "ice", "set-signers", w.signers("cleo"), "--break-glass", "2")...); !strings.Contains(said, "rejected") {
		w.t.Error(said)
	}
	w.must(1, w.ice(1, "ana ben", "ice", "set-signers", next, "--ordinary", "2")...)
	w.equal(1, w.all()...)
	for _, id := range w.all() {
		if said := w.fails(id, 4, w.by("ana", "admin", "cordon", "--node", "3")...); !strings.Contains(said, "not_authorized") && !strings.Contains(said, "insufficient_signatures") {
			w.t.Error(said)
		}
		if said := w.fails(id, 4, w.by("cleo", "admin", "cordon", "--node", "3")...); !strings.Contains(said, "insufficient_signatures") {
			w.t.Error(said)
		}
		w.must(id, w.by("cleo dan", "admin", "cordon", "--node", "3")...)
		w.must(id, w.by("cleo dan", "admin", "uncordon", "--node", "3")...)
	}
	if said := w.must(2, "operators", "list"); !strings.Contains(said, "cleo") || strings.Contains(said, "ana") {
		w.t.Errorf("operators list says %s", said)
	}
	w.equal(1, w.all()...)
}

// comesBack loses the data of node 3, but for its backup.
func comesBack(w *operated) {
	backup := filepath.Join(w.dir, "backup")
	w.must(3, "records", "backup", backup)
	w.must(1, w.by("cleo dan", "admin", "cordon", "--node", "3", "-m", "after the backup")...)
	w.equal(1, w.all()...)
	w.stop(3)
	if err := os.RemoveAll(w.lab.Node(3).Data()); err != nil {
		w.t.Fatal(err)
	}
	w.must(3, "records", "restore", backup)
	// Its key is in no backup, so the mesh has to let the machine in again.
	w.must(3, "mesh", "join", w.token(1, "cleo dan", "--replace", "3"))
	w.start(3)
	w.until(3, "is a member again", func(s *meshosv1.Snapshot) bool {
		return s.GetMesh().GetMember() && s.GetMesh().GetLink().GetConnected()
	})
	w.until(3, "has what was ordered after the backup", func(s *meshosv1.Snapshot) bool { return s.GetLocalMaintenance().GetCordoned() })
	w.allHear(w.all()...)
	w.must(3, w.by("cleo dan", "admin", "uncordon")...)
	w.equal(1, w.all()...)
	if said := w.must(3, "audit", "verify", "--signers", w.signers("ana", "ben", "cleo", "dan")); strings.Contains(said, "wrong") {
		w.t.Errorf("audit verify says %s", said)
	}
}

func leaves(w *operated) {
	w.must(1, w.ice(1, "cleo dan", "ice", "expel-node", "3")...)
	said := ""
	w.wait(func() string { return "node 3 says that it was expelled: " + said }, func() bool {
		said = w.must(3, "mesh", "status")
		return strings.Contains(said, "This node is no member of the mesh: it was expelled")
	})
	if said := w.fails(3, 1, "mesh", "leave"); !strings.Contains(said, "stop the node first") {
		w.t.Error(said)
	}
	w.stop(3)
	w.must(3, "mesh", "leave")
	w.start(3)
	w.until(3, "is alone", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 && s.GetMesh().GetHeight() == 0 })
	w.allHear(1, 2)
	w.must(2, w.by("cleo dan", "admin", "cordon", "--node", "1")...)
	w.equal(1, 1, 2)
}
