package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// backup is what `records backup -o json` prints, as far as the tests need it.
type backup struct {
	Complete bool
	Height   int `json:",string"`
	Chains   map[string]struct {
		Records, Last uint64 `json:",string"`
	}
	Copied map[string]struct{ Files, Bytes, Removed int }
}

func (n *node) backup(dir string) (b backup) {
	n.t.Helper()
	if err := json.Unmarshal([]byte(n.must("records", "backup", dir, "-o", "json")), &b); err != nil {
		n.t.Fatal(err)
	}
	return b
}

// answering starts the node and waits until it answers.
func (n *node) answering() *node {
	n.t.Helper()
	n.start()
	n.until("a tick", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 })
	return n
}

// keepWriting publishes lines until stop is called, so that the node always writes.
func (n *node) keepWriting() (stop func()) {
	ctx, cancel := context.WithCancel(n.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ctx.Err() == nil; i++ {
			n.meshos("publish", fmt.Sprintf(`{"log_line":{"level":"LOG_LEVEL_INFO","message":"line %d"}}`, i))
		}
	}()
	return func() { cancel(); <-ended }
}

// A backup that is made while the node writes is whole, and another one copies what is new.
func TestABackupOfARunningNodeIsWhole(t *testing.T) {
	t.Parallel()
	n := prepare(t).answering()
	n.must("admin", "cordon", "--yes", "-m", "before the backup")
	n.until("the cordon", func(s *meshosv1.Snapshot) bool { return s.GetLocalMaintenance().GetCordoned() })
	stop := n.keepWriting()
	dir := filepath.Join(n.dir, "backup")
	first := n.backup(dir)
	for range 5 {
		last := n.backup(dir)
		if !last.Complete || last.Chains["log"].Last < first.Chains["log"].Last {
			t.Errorf("after %+v the next backup is %+v", first, last)
		}
		if out := n.must("audit", "verify", dir); strings.Contains(out, "copied while") || strings.Contains(out, "incomplete") || strings.Contains(out, "damaged") {
			t.Errorf("verify says\n%s", out)
		}
	}
	stop()
	n.end()
	if b := n.backup(dir); b.Height != 1 || b.Chains["audit"].Records == 0 || b.Chains["ordered"].Records != 1 {
		t.Errorf("the backup of the node that ended is %+v", b)
	}
	again := n.backup(dir)
	for chain, c := range again.Copied {
		if c.Files != 0 || c.Removed != 0 {
			t.Errorf("nothing is new, but %+v of %s was copied", c, chain)
		}
	}
	if got := n.must("audit", "tail", "--dir", dir); !strings.Contains(got, "before the backup") {
		t.Errorf("audit tail of the backup shows\n%s", got)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %v", path, info.Mode())
		}
		for _, not := range []string{"daemons", "plugins", "lock", "clock"} {
			if d.Name() == not {
				t.Errorf("%s is in the backup", path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A node that lost its disk begins with the backup: its orders hold, its records go on under
// another epoch, and a command that it may have accepted since counts no more.
func TestANodeIsRestoredFromABackup(t *testing.T) {
	t.Parallel()
	n := prepare(t).answering()
	n.must("admin", "cordon", "--yes", "-m", "before the backup")
	before := n.until("the cordon", func(s *meshosv1.Snapshot) bool { return s.GetLocalMaintenance().GetCordoned() })
	dir := filepath.Join(n.dir, "backup")
	made := n.backup(dir)
	if _, errs, code := n.meshos("records", "restore", dir); code == 0 || !strings.Contains(errs, "is in use by another node") {
		t.Errorf("beside a running node restore ends with %d: %s", code, errs)
	}
	n.must("admin", "uncordon", "--yes", "-m", "after the backup")
	n.end()
	if _, errs, code := n.meshos("records", "restore", dir); code == 0 || !strings.Contains(errs, "has data already") {
		t.Errorf("over data restore ends with %d: %s", code, errs)
	}
	if err := os.Rename(n.dir+"/var", n.dir+"/lost"); err != nil {
		t.Fatal(err)
	}
	if got := n.must("records", "restore", dir); !strings.Contains(got, "orders up to height 1") {
		t.Errorf("restore says\n%s", got)
	}
	n.start()
	after := n.until("the cordon of before", func(s *meshosv1.Snapshot) bool {
		return s.GetLocalMaintenance().GetCordoned() && failed(s, "records", "this node's records were restored at")
	})
	if after.GetEpoch() == before.GetEpoch() {
		t.Error("the epoch is the same")
	}
	got := n.must("audit", "tail")
	if !strings.Contains(got, "before the backup") || strings.Contains(got, "after the backup") {
		t.Errorf("audit tail shows\n%s", got)
	}
	n.must("admin", "uncordon", "--yes")
	n.end()
	n.start()
	n.until("the uncordon", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 && !s.GetLocalMaintenance().GetCordoned() })
	if got := n.must("failures"); strings.Count(got, "this node's records were restored at") != 1 {
		t.Errorf("failures shows\n%s", got)
	}
	if out := n.must("audit", "verify"); strings.Contains(out, "damaged") {
		t.Errorf("verify says\n%s", out)
	}
	// The node has other records now than the backup's later ones would be: it continues it.
	if next := n.backup(dir); next.Chains["audit"].Last <= made.Chains["audit"].Last {
		t.Errorf("the next backup is %+v, the one before %+v", next, made)
	}
	n.end()
	// With the data of before its crash it does not.
	endDaemons(t, filepath.Join(n.dir, "var", "daemons")) // nobody would find them any more
	if err := os.RemoveAll(n.dir + "/var"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(n.dir+"/lost", n.dir+"/var"); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := n.meshos("records", "backup", dir); code != 1 || !strings.Contains(errs, "is not of this chain") {
		t.Errorf("a backup over another history ends with %d: %s", code, errs)
	}
}

// A copy that was made while the node wrote is not called tampered with; one of which the end
// was cut off is.
func TestALiveCopyIsNotTampering(t *testing.T) {
	t.Parallel()
	n := prepare(t).answering()
	cursor := filepath.Join(n.dir, "var/records/cursors")
	testkit.Until(t, "a cursor", func() bool { entries, _ := os.ReadDir(cursor); return len(entries) > 0 })
	target := filepath.Join(n.dir, "copy")
	copyOf := func(folder string) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(target, folder)); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("cp", "-a", filepath.Join(n.dir, "var", folder), filepath.Join(target, folder)).CombinedOutput(); err != nil {
			t.Fatalf("cp: %v\n%s", err, out)
		}
	}
	if err := os.MkdirAll(filepath.Join(target, "records"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"records/audit", "records/failure", "records/action", "records/log"} {
		copyOf(folder)
	}
	n.must("admin", "cordon", "--yes", "-m", "between the two files")
	testkit.Until(t, "a copy with a newer cursor", func() bool {
		copyOf("records/cursors")
		out, _, _ := n.meshos("audit", "verify", target)
		return strings.Contains(out, "copied while the node wrote")
	})
	if out, errs, code := n.meshos("audit", "verify", target); code != 0 || strings.Contains(out, "cut off or removed") {
		t.Errorf("verify ends with %d: %s\n%s", code, errs, out)
	}
	n.end()
	copyOf("records")
	log := filepath.Join(target, "records/audit/0000000001.rec")
	info, err := os.Stat(log)
	if err != nil {
		t.Fatal(err)
	}
	if out, errs, code := n.meshos("audit", "verify", target); code != 0 || strings.Contains(out, "copied while") {
		t.Errorf("of the whole copy verify ends with %d: %s\n%s", code, errs, out)
	}
	if err := os.Truncate(log, 128); err != nil { // behind the header: all records are cut off
		t.Fatalf("%v, %d", err, info.Size())
	}
	if out, _, code := n.meshos("audit", "verify", target); code != 1 || !strings.Contains(out, "cut off or removed") {
		t.Errorf("after the end was cut off verify ends with %d:\n%s", code, out)
	}
}

// An older folder of records beside newer appenders is said at the start, with numbers, whether
// it was put there with the cursors or without.
func TestAnOlderFolderBesideANewerAppenderIsSaid(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"records/audit", "records"} {
		t.Run(folder, func(t *testing.T) {
			n := prepare(t).answering()
			n.must("admin", "cordon", "--yes")
			held := func() bool { return n.metric(`meshos_records_pending{chain="audit",node="1"}`) == 0 }
			testkit.Until(t, "the appender to hold it", held)
			n.end()
			older, current := filepath.Join(n.dir, "older"), filepath.Join(n.dir, "var", folder)
			if out, err := exec.Command("cp", "-a", current, older).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			n.answering()
			n.must("admin", "uncordon", "--yes")
			n.must("admin", "cordon", "--yes")
			testkit.Until(t, "the appender to hold them", held)
			n.end()
			if err := os.RemoveAll(current); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(older, current); err != nil {
				t.Fatal(err)
			}
			n.start()
			n.until("the report", func(s *meshosv1.Snapshot) bool {
				return failed(s, "appender:appender-jsonl", "the node's log of audit records ends with number 1, but appender-jsonl holds number 3") &&
					failed(s, "appender:appender-jsonl", "2 records that it holds are missing in the log")
			})
		})
	}
}
