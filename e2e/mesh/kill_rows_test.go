package mesh

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/meshlog"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// killedPlugins kills the mesh plugin of each node, with the seed in it; one of them leads the
// log.
func killedPlugins(w *world, o *orders) {
	w.under(o, five, func() {
		for _, id := range w.drawn.Perm(len(five))[:times(3, 5)] {
			w.signal(w.plugin(id+1), syscall.SIGKILL)
			w.cordon(o, 1+(id+1)%len(five), "a plugin was killed")
			w.cordon(o, id+1, "its plugin was killed")
		}
	})
}

// aStoppedPlugin stops the mesh plugin of a node for a while. The host may replace it.
func aStoppedPlugin(w *world, o *orders) {
	id := 1 + w.drawn.IntN(len(five))
	pid := w.plugin(id)
	w.signal(pid, syscall.SIGSTOP)
	for _, other := range without(five, id) {
		w.cordon(o, other, "a plugin is stopped")
	}
	w.signal(pid, syscall.SIGCONT)
	w.cordon(o, id, "its plugin was stopped")
}

// killedHosts kills hosts at random moments, and as soon as they have written an entry of the
// log to their disks, which they have not folded then.
func killedHosts(w *world, o *orders) {
	w.under(o, five, func() {
		for i := range times(5, 30) {
			id := 1 + w.drawn.IntN(len(five))
			n := w.lab.Node(id)
			if i%2 == 0 {
				w.untilRecording(id)
			} else {
				<-time.After(time.Duration(w.drawn.IntN(50)) * time.Millisecond) // a random moment
			}
			n.Kill()
			w.cordon(o, 1+id%len(five), "a host was killed")
			w.start(id)
			w.cordon(o, id, "on a host that was killed")
		}
	})
}

// untilRecording waits until a node writes to its record of the log.
func (w *world) untilRecording(id int) {
	w.t.Helper()
	before, deadline := w.recordSize(id), time.Now().Add(patience)
	for w.recordSize(id) == before { // without a pause: the moment after it is what is looked for
		if time.Now().After(deadline) {
			w.t.Fatalf("not within %s: node %d writes to its record", patience, id)
		}
	}
}

// recordSize returns how large the record of a node is, in bytes.
func (w *world) recordSize(id int) (n int64) {
	files, _ := os.ReadDir(meshlog.Dir(w.lab.Node(id).Data()))
	for _, f := range files {
		if info, err := f.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
	}
	return n
}

// aStoppedHost stops the process of a node for a while.
func aStoppedHost(w *world, o *orders) {
	id := 1 + w.drawn.IntN(len(five))
	w.signal(w.lab.Node(id).PID(), syscall.SIGSTOP)
	for _, other := range without(five, id) {
		w.cordon(o, other, "a host is stopped")
	}
	w.signal(w.lab.Node(id).PID(), syscall.SIGCONT)
	w.cordon(o, id, "on a host that was stopped")
}

func (w *world) signal(pid int, s syscall.Signal) {
	w.t.Helper()
	if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) { // its host may have replaced it
		w.t.Fatal(fmt.Errorf("%v to process %d: %w", s, pid, err))
	}
}

// start starts a node that has ended.
func (w *world) start(ids ...int) {
	w.t.Helper()
	for _, id := range ids {
		if err := w.lab.Node(id).Start(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// stop ends nodes in order.
func (w *world) stop(ids ...int) {
	w.t.Helper()
	for _, id := range ids {
		w.lab.Node(id).Ask()
	}
	for _, id := range ids {
		if err := w.lab.Node(id).Stop(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// plugin returns the process of a node's mesh plugin.
func (w *world) plugin(id int) (pid int) {
	w.t.Helper()
	w.until(id, "has a running mesh plugin", func(s *meshosv1.Snapshot) bool {
		for _, p := range s.GetPlugins() {
			if p.GetName() == "mesh-nats" && p.GetStatus() == meshosv1.PluginView_STATUS_READY {
				pid = int(p.GetPid())
			}
		}
		return pid != 0
	})
	return pid
}

// without returns the ids that are not among some.
func without(ids []int, some ...int) (out []int) {
	for _, id := range ids {
		if !slices.Contains(some, id) {
			out = append(out, id)
		}
	}
	return out
}
