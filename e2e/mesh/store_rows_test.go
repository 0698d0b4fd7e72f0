package mesh

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/meshos/meshos/host/meshlog"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// store is where the mesh plugin of a node stores the log.
func (w *world) store(id int) string {
	return filepath.Join(w.lab.Node(id).Data(), "plugins", "mesh-nats")
}

// lostStores has one seed lose its disk, and then all of them; if it may take its time, most of
// them in between.
func lostStores(w *world, o *orders) {
	lost := [][]int{{1 + w.drawn.IntN(len(five))}, five}
	if long() {
		lost = append(lost, five[1:4])
	}
	for _, ids := range lost {
		w.wipe(ids...)
		for _, id := range []int{ids[0], ids[0]%len(five) + 1} {
			w.cordon(o, id, fmt.Sprintf("the stores of %v were lost", ids))
		}
		w.check(o, five...)
	}
}

// wipe has nodes lose what their mesh plugins stored.
func (w *world) wipe(ids ...int) {
	w.t.Helper()
	w.stop(ids...)
	for _, id := range ids {
		w.remove(w.store(id))
	}
	w.start(ids...)
}

// oldStores puts back what a majority of the seeds had stored some orders before.
func oldStores(w *world, o *orders) {
	majority := []int{1, 2, 3}
	w.backUp(majority...)
	for _, id := range five {
		w.cordon(o, id, "what old stores do not have")
	}
	w.equal(1, five...)
	w.putBack(majority...)
	w.cordon(o, 5, "behind old stores")
	w.cordon(o, 1, "on an old store")
}

// backUp copies what the mesh plugins of some nodes have stored, and putBack puts it back.
func (w *world) backUp(ids ...int) {
	w.t.Helper()
	w.stop(ids...)
	for _, id := range ids {
		w.copy(w.store(id), w.store(id)+".old")
	}
	w.start(ids...)
}

func (w *world) putBack(ids ...int) {
	w.t.Helper()
	w.stop(ids...)
	for _, id := range ids {
		w.remove(w.store(id))
		w.move(w.store(id)+".old", w.store(id))
	}
	w.start(ids...)
}

// flippedBytes flips a byte of the blocks in which the stores of two seeds have the log, many
// times. Nothing of that may be folded.
func flippedBytes(w *world, o *orders) {
	for range times(2, 20) {
		first := 1 + w.drawn.IntN(len(five))
		ids := []int{first, first%len(five) + 1}
		w.stop(ids...)
		for i, id := range ids {
			blocks := [...]string{"/ADMIN/msgs/", ".blk"}[i] // those of the log, and of whatever else the store has
			w.t.Logf("node %d: flipped %s", id, w.flip(w.store(id), blocks, 0))
		}
		w.start(ids...)
		for _, id := range ids {
			w.cordon(o, id, "behind a flipped byte")
		}
		w.check(o, five...)
	}
}

// aDamagedRecord flips a byte of the record of the log: of a leaf at its beginning, so that nothing
// of it can be used, and of a seed anywhere.
func aDamagedRecord(w *world, o *orders) {
	for _, id := range []int{5, 2} {
		within := 0
		if id == 5 {
			within = 200
		}
		before := w.equal(1, five...)
		w.stop(id)
		w.t.Logf("node %d: flipped %s", id, w.flip(meshlog.Dir(w.lab.Node(id).Data()), "", within))
		w.start(id)
		w.equal(before, five...)
		w.cordon(o, id, "behind a damaged record")
		w.check(o, five...)
	}
}

// aRestoredBackup puts a host back to a backup that does not have the newest orders.
func aRestoredBackup(w *world, o *orders) {
	const id = 4
	n := w.lab.Node(id)
	to := filepath.Join(n.Dir, "backup")
	w.cordon(o, id, "in the backup")
	w.must(id, "records", "backup", to)
	w.cordon(o, id, "not in the backup")
	w.cordon(o, 1, "not in the backup")
	w.stop(id)
	for _, name := range []string{"records", "ordered", "operator"} {
		w.remove(filepath.Join(n.Data(), name))
	}
	w.remove(meshlog.Dir(n.Data()))
	w.must(id, "records", "restore", to)
	w.remove(to)
	w.start(id)
	w.cordon(o, id, "restored")
}

// aFork takes what the nodes have, records and stores, back to before an order, while one node
// that has the order is cut off. They order something else then. When they meet, the one says so
// and folds nothing more, until it is told to adopt what the others have.
func aFork(w *world, o *orders) {
	const alone = 5
	others := without(five, alone)
	w.equal(1, five...)
	w.stop(others...)
	for _, id := range others {
		w.copy(w.lab.Node(id).Data(), w.lab.Node(id).Data()+".old")
	}
	w.start(others...)
	lost := &orders{row: "a fork, of which nothing is left"}
	w.cordon(lost, 1, "on one branch")
	height := w.equal(1, five...)
	w.lab.Net.Cut(others, []int{alone})
	w.stop(others...)
	for _, id := range others {
		w.remove(w.lab.Node(id).Data())
		w.move(w.lab.Node(id).Data()+".old", w.lab.Node(id).Data())
	}
	w.start(others...)
	for w.snapshot(1).GetMesh().GetHeight() <= height {
		w.cordon(o, 1, "on the other branch")
	}
	w.lab.Net.Heal()
	own, theirs := w.snapshot(alone).GetMesh(), ""
	frozen := w.until(alone, "says that the log forked", func(s *meshosv1.Snapshot) bool { return s.GetMesh().GetFrozen() != "" }).GetMesh()
	if frozen.GetHeight() != own.GetHeight() {
		w.t.Errorf("height %d, was %d: a log that forked must not be folded", frozen.GetHeight(), own.GetHeight())
	}
	for _, word := range strings.FieldsFunc(frozen.GetFrozen(), func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) }) {
		if len(word) >= 12 && !strings.HasPrefix(fmt.Sprintf("%x", own.GetHead()), word) {
			theirs = word
		}
	}
	if !strings.Contains(frozen.GetFrozen(), fmt.Sprintf("%x", own.GetHead())[:12]) || theirs == "" {
		w.t.Errorf("%q does not have both hashes; its own is %x", frozen.GetFrozen(), own.GetHead())
	}
	w.stop(alone)
	w.t.Log(w.must(alone, "mesh", "adopt", "--yes"))
	w.start(alone)
	w.cordon(o, alone, "adopted")
}

// flip flips one bit of a byte, drawn at random, of a file in a folder whose path has a part in
// it, and returns which: one of the first so many; 0: of all.
func (w *world) flip(dir, part string, within int) string {
	w.t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() && info.Size() > 0 && strings.Contains(path, part) {
			files = append(files, path)
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		w.t.Fatalf("no files with %s in %s: %v", part, dir, err)
	}
	path := files[w.drawn.IntN(len(files))]
	text, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	if within == 0 || within > len(text) {
		within = len(text)
	}
	at, bit := w.drawn.IntN(within), w.drawn.IntN(8)
	text[at] ^= 1 << bit
	if err := os.WriteFile(path, text, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprintf("bit %d of byte %d of %d in %s", bit, at, len(text), path)
}

func (w *world) remove(path string) {
	w.t.Helper()
	if _, err := os.Stat(path); err != nil {
		w.t.Fatal(err)
	}
	if err := os.RemoveAll(path); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) move(from, to string) {
	w.t.Helper()
	if err := os.Rename(from, to); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) copy(from, to string) {
	w.t.Helper()
	if out, err := exec.CommandContext(w.t.Context(), "cp", "-a", from, to).CombinedOutput(); err != nil {
		w.t.Fatalf("copy %s: %v: %s", from, err, out)
	}
}
