package mesh

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/meshlog"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// counted returns the reasons of the orders that count in a node's record of the log, by height.
// It folds the record by itself, so it does not depend on what the node says.
func (w *world) counted(id int) map[uint64]string {
	w.t.Helper()
	counted := map[uint64]string{}
	for height, out := range w.recorded(id) {
		if out.Order.Reason != "" && out.Order.Outcome.Verdict != mesh.VerdictRejected {
			counted[height] = out.Order.Reason
		}
	}
	return counted
}

// setBack takes the newest entries from the record of a node that does not run.
func (w *world) setBack(id, by int) {
	w.t.Helper()
	dir := meshlog.Dir(w.lab.Node(id).Data())
	w.move(dir, dir+".newer")
	from, to := w.openRecord(dir+".newer"), w.openRecord(dir)
	in := from.Read(1)
	defer in.Close()
	var entries []segment.Entry
	for e, _, err := in.Next(); err == nil; e, _, err = in.Next() {
		e.Data = bytes.Clone(e.Data)
		entries = append(entries, e)
	}
	if len(entries) <= by {
		w.t.Fatalf("the record of node %d has %d entries, and is to have %d less", id, len(entries), by)
	}
	err := errors.Join(to.Append(entries[:len(entries)-by]), to.Sync(), to.Close(), from.Close())
	if err != nil {
		w.t.Fatal(err)
	}
	w.remove(dir + ".newer")
}

// openRecord opens a record of the log that nobody else uses.
func (w *world) openRecord(dir string) *durable.Log {
	w.t.Helper()
	fs, err := disk.Open(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	chain, err := durable.Open(durable.Options{FS: fs, Chain: "mesh", SegmentSize: 4 << 20})
	if err != nil {
		w.t.Fatal(err)
	}
	return chain
}

// recorded folds a node's record of the log, and returns what its entries led to, by height.
func (w *world) recorded(id int) map[uint64]cluster.Outcome {
	w.t.Helper()
	temp, err := os.MkdirTemp("", "record")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	dir := filepath.Join(temp, "log") // a copy, since the node may be writing
	if out, err := exec.CommandContext(w.t.Context(), "cp", "-a", meshlog.Dir(w.lab.Node(id).Data()), dir).CombinedOutput(); err != nil {
		w.t.Fatalf("copy the record of node %d: %v: %s", id, err, out)
	}
	chain := w.openRecord(dir)
	defer func() { _ = chain.Close() }()
	outcomes, state := map[uint64]cluster.Outcome{}, cluster.New()
	in := chain.Read(1)
	defer in.Close()
	for {
		e, _, err := in.Next()
		if errors.Is(err, io.EOF) {
			return outcomes
		}
		var recorded meshosv1.RecordedEntry
		if err != nil || proto.Unmarshal(e.Data, &recorded) != nil {
			continue // damaged, and recorded again behind it
		}
		if c, err := state.Recorded(&recorded); err == nil {
			out := state.Fold(c)
			outcomes[out.Place.Height] = out
		}
	}
}
