package mesh

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// rollingUpgrade replaces the binaries of one node after the other, under orders. It waits each
// time for what an operator is told to wait for.
func rollingUpgrade(w *world, o *orders) {
	w.upgrades++
	version := fmt.Sprintf("v9.%d.0", w.upgrades)
	next, err := os.MkdirTemp("", "meshos-next-")
	if err != nil {
		w.t.Fatal(err)
	}
	before := w.lab.Node(1).Bin
	for _, name := range []string{"meshos", "meshos-shim"} {
		cmd := exec.CommandContext(w.t.Context(), "go", "build", "-ldflags", "-s -w -X main.version="+version, "-o", filepath.Join(next, name), "../../cmd/"+name)
		if out, err := cmd.CombinedOutput(); err != nil {
			w.t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	w.under(o, five, func() {
		for _, id := range five {
			w.stop(id)
			w.lab.Node(id).Bin = next
			w.start(id)
			w.until(id, "is a member again, without an alarm", func(s *meshosv1.Snapshot) bool {
				l := s.GetMesh().GetLink()
				return l.GetConnected() && l.GetQuorum() && l.GetAlarm() == ""
			})
			w.cordon(o, id, "upgraded")
		}
	})
	for _, id := range five {
		w.until(id, "sees that all others have the new version", func(s *meshosv1.Snapshot) bool {
			n := 0
			for _, p := range s.GetPeers() {
				if p.GetMember().GetSummary().GetVersion() == version {
					n++
				}
			}
			return n == len(five)-1
		})
	}
	if before != bin {
		_ = os.RemoveAll(before)
	}
	w.next = next
}
