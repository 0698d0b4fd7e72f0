package mesh

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// aLyingPlugin gives a leaf a mesh plugin that says what is not true. The node refuses it and
// says so once, and its loop does not notice.
func aLyingPlugin(w *world, o *orders) {
	const id = 4
	n := w.lab.Node(id)
	honest, err := os.ReadFile(n.Config())
	if err != nil {
		w.t.Fatal(err)
	}
	before, _, found := bytes.Cut(honest, []byte("[[plugin]]\nname = \"mesh-nats\""))
	if !found {
		w.t.Fatalf("no mesh plugin:\n%s", honest)
	}
	write := func(text []byte) {
		if err := os.WriteFile(n.Config(), text, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, lie := range []struct{ name, said string }{
		{"gap", "the ordered log has a gap"},
		{"order", "the ordered log is not in order"},
		{"signature", "an entry that the mesh plugin brings is refused"},
		{"self", "which knows itself best"},
		{"peers", ""},
		{"ahead", ""},                                                 // the node waits for entries that never come
		{"fork", "nothing of the log of the mesh is folded any more"}, // until another plugin says otherwise
	} {
		height := w.equal(1, five...)
		w.stop(id)
		write(append(bytes.Clone(before), "[[plugin]]\nname = \"liar\"\npath = \""+filepath.Join(bin, "liars", "liar")+"\"\n[plugin.config]\nlie = \""+lie.name+"\"\n"...))
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
	write(honest)
	w.start(id)
	w.cordon(o, id, "with a plugin that says the truth")
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
