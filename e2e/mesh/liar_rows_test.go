package mesh

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// aLyingPlugin gives a leaf a mesh plugin that says what is not true. The node refuses it and
// says so once, and its loop does not notice.
func aLyingPlugin(w *world, o *orders) {
	const id = 4
	n, honest := w.lab.Node(id), w.config(id)
	for _, lie := range []struct{ name, said string }{
		{"gap", "the ordered log has a gap"},
		{"order", "the ordered log is not in order"},
		{"signature", "an entry that the mesh plugin brings is refused"},
		{"self", "which knows itself best"},
		{"peers", ""},
		{"ahead", ""}, // the node waits for entries that never come
		{"fork", ""},  // a beacon alone proves nothing
	} {
		height := w.equal(1, five...)
		w.stop(id)
		w.write(n.Config(), w.liar(honest, lie.name))
		w.start(id)
		var tick uint64
		w.until(id, "hears a lie: "+lie.name, func(s *meshosv1.Snapshot) bool {
			tick = s.GetStats().GetTicks()
			return s.GetMesh().GetLink().GetConnected() && (lie.said == "" || said(s, lie.said) > 0)
		})
		s := w.until(id, "goes on: "+lie.name, func(s *meshosv1.Snapshot) bool { return s.GetStats().GetTicks() > tick+3 })
		if times := said(s, lie.said); times > 1 && lie.said != "" {
			w.t.Errorf("lie %s: the node said %d times that %q", lie.name, times, lie.said)
		}
		if m := s.GetMesh(); m.GetHeight() != height {
			w.t.Errorf("lie %s: the log is at height %d, was at %d: %v", lie.name, m.GetHeight(), height, m)
		}
		if m := s.GetLocalMaintenance(); m.GetCordoned() || m.GetPhase() != meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE {
			w.t.Errorf("lie %s: the node believes of itself: %v", lie.name, m)
		}
		if peers := len(s.GetPeers()); peers > len(five) {
			w.t.Errorf("lie %s: the node knows %d peers", lie.name, peers)
		}
		w.t.Logf("lie %s: half of the ticks took no longer than %s, 99 of 100 no longer than %s", lie.name,
			s.GetStats().GetTickP50().AsDuration(), s.GetStats().GetTickP99().AsDuration())
	}
	w.stop(id)
	w.write(n.Config(), honest)
	w.start(id)
	w.cordon(o, id, "with a plugin that says the truth")
}

// liar returns a configuration with the plugin that lies in place of the one of the mesh.
func (w *world) liar(honest []byte, lie string) []byte {
	w.t.Helper()
	before, _, found := bytes.Cut(honest, []byte("[[plugin]]\nname = \"mesh-nats\""))
	if !found {
		w.t.Fatalf("no mesh plugin:\n%s", honest)
	}
	return fmt.Appendf(bytes.Clone(before), "[[plugin]]\nname = \"liar\"\npath = %q\n[plugin.config]\nlie = %q\n", filepath.Join(bin, "liars", "liar"), lie)
}

// config returns the configuration of a node.
func (w *world) config(id int) []byte {
	w.t.Helper()
	text, err := os.ReadFile(w.lab.Node(id).Config())
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

func (w *world) write(path string, text []byte) {
	w.t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// said returns how many failures a node remembers whose reasons have these words.
func said(s *meshosv1.Snapshot, words string) (n int) {
	for _, f := range s.GetRecentFailures() {
		if strings.Contains(f.GetReason(), words) {
			n++
		}
	}
	return n
}
