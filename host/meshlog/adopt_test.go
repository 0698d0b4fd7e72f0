package meshlog

import (
	"os"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/pluginsdk/meshtest"
)

func TestANodeTakesOverTheLogOfTheOthers(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	hosts := several(t, n, 2)
	hosts[0].order(mesh.Cordon{Node: 2})
	sameState(t, hosts...)
	hosts[1].stop()
	before := hosts[1].View()
	done, err := Adopt(hosts[1].dir, 2, []string{"x:1"}, time.Now())
	if err != nil || done.Height != before.GetHeight() {
		t.Fatalf("%+v, %v", done, err)
	}
	if names, err := os.ReadDir(done.Aside); err != nil || len(names) == 0 {
		t.Errorf("nothing is aside: %v", err)
	}
	hosts[0].order(mesh.Uncordon{Node: 2})
	hosts[1].open(before.GetHeight())
	if !hosts[1].Active() {
		t.Error("until it has the log, the node takes orders for itself")
	}
	sameState(t, hosts...)
	until(t, "it has folded all of it", func() bool { return len(hosts[1].foldedKinds()) >= int(hosts[0].height()) })
	if belongs, err := Belongs(hosts[1].dir); err != nil || !belongs {
		t.Errorf("belongs %v, %v", belongs, err)
	}
	until(t, "it does not fetch the log any more", func() bool {
		token, err := readJoining(hosts[1].dir)
		return token == nil && err == nil
	})
}
