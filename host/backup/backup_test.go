package backup_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/backup"
	"github.com/meshos/meshos/host/datadir"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
)

func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

// dataDir returns a data directory with audit records.
func dataDir(t *testing.T, count uint64) string {
	t.Helper()
	dir := t.TempDir()
	fs, err := disk.Open(filepath.Join(dir, "records", "audit"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := durable.Open(durable.Options{FS: fs, Chain: "audit", SegmentSize: 300})
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= count; seq++ {
		e := segment.Entry{Kind: segment.KindRecord, Epoch: 7, Seq: seq, Wall: noon(), Data: fmt.Appendf(nil, "record %d", seq)}
		if err := errors.Join(l.Append([]segment.Entry{e}), l.Sync()); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func made(t *testing.T, dataDir, dir string) *backup.Result {
	t.Helper()
	r, err := backup.Make(t.Context(), backup.Options{DataDir: dataDir, Node: 1, Dir: dir, Now: noon()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func restore(t *testing.T, dir, into string) error {
	t.Helper()
	_, err := backup.Restore(t.Context(), backup.RestoreOptions{Dir: dir, DataDir: into, Node: 1, Now: noon(), FutureSkew: time.Minute})
	return err
}

func TestABackupIsRestoredAsItWas(t *testing.T) {
	source, dir, into := dataDir(t, 20), filepath.Join(t.TempDir(), "backup"), t.TempDir()
	if r := made(t, source, dir); !r.Complete || r.Chains["audit"].Last != 20 || len(r.Damage) > 0 {
		t.Errorf("the backup is %+v", r)
	}
	if err := restore(t, dir, into); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{source, into} {
		fs, err := disk.Existing(filepath.Join(at, "records", "audit"))
		if err != nil {
			t.Fatal(err)
		}
		if r, err := durable.Walk(fs, "audit", nil); err != nil || r.Records != 20 || len(r.Damage) > 0 {
			t.Errorf("%s: %+v, %v", at, r, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(into, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := restore(t, dir, into); err == nil || !strings.Contains(err.Error(), "has data already") {
		t.Errorf("a second restore says %v", err)
	}
}

func TestABackupThatIsNotWholeIsNotRestored(t *testing.T) {
	for name, c := range map[string]struct {
		wrong func(t *testing.T, dir string)
		want  string
	}{
		"cut off": {func(t *testing.T, dir string) {
			files, err := filepath.Glob(filepath.Join(dir, "records/audit/*.rec"))
			if err == nil {
				err = os.Remove(files[len(files)-1])
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "the backup is not as it was made, and nothing was restored: its audit chain has"},
		"changed": {func(t *testing.T, dir string) {
			file := filepath.Join(dir, "records/audit/0000000001.rec")
			raw, err := os.ReadFile(file)
			if err == nil {
				raw[segment.HeaderSize+70] ^= 1
				err = os.WriteFile(file, raw, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "the backup is damaged, and nothing was restored"},
		"interrupted": {func(t *testing.T, dir string) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := backup.Make(ctx, backup.Options{DataDir: dataDir(t, 30), Node: 1, Dir: dir, Now: noon()}); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}, "interrupted before it was complete"},
		"no backup": {func(t *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, "backup.json")) }, "it has no backup.json"},
		"of another node": {func(t *testing.T, dir string) {
			file := filepath.Join(dir, "backup.json")
			raw, err := os.ReadFile(file)
			if err == nil {
				err = os.WriteFile(file, []byte(strings.Replace(string(raw), `"node": "1"`, `"node": "2"`, 1)), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "is a backup of node 2, and this is node 1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, into := t.TempDir(), t.TempDir()
			made(t, dataDir(t, 20), dir)
			c.wrong(t, dir)
			if err := restore(t, dir, into); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("restore says %v", err)
			}
			if _, err := os.Stat(filepath.Join(into, "records")); err == nil {
				t.Error("something was restored")
			}
		})
	}
}

func TestARestoreLeavesARunningNodeAlone(t *testing.T) {
	dir, into := t.TempDir(), t.TempDir()
	made(t, dataDir(t, 3), dir)
	unlock, err := datadir.Lock(into)
	if err != nil {
		t.Fatal(err)
	}
	var busy *datadir.BusyError
	if err := restore(t, dir, into); !errors.As(err, &busy) {
		t.Errorf("restore says %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if err := restore(t, dir, into); err != nil {
		t.Error(err)
	}
}

func TestABackupGoesOnlyWhereItMay(t *testing.T) {
	source, used := dataDir(t, 3), t.TempDir()
	if err := os.WriteFile(filepath.Join(used, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	if _, err := backup.Make(t.Context(), backup.Options{DataDir: source, Node: 2, Dir: other, Now: noon()}); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(source, link); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		used:                                     "is not empty and has no backup.json",
		other:                                    "has a backup of node 2, this is node 1",
		source:                                   "is where the node keeps what is to be copied",
		link:                                     "is where the node keeps what is to be copied",
		filepath.Join(source, "records/audit"):   "is where the node keeps what is to be copied",
		filepath.Join(link, "records", "backup"): "is where the node keeps what is to be copied",
	} {
		if _, err := backup.Make(t.Context(), backup.Options{DataDir: source, Node: 1, Dir: dir, Now: noon()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("to %s: %v", dir, err)
		}
	}
	if _, err := backup.Make(t.Context(), backup.Options{DataDir: t.TempDir(), Node: 1, Dir: t.TempDir(), Now: noon()}); err == nil || !strings.Contains(err.Error(), "has no records") {
		t.Errorf("of nothing: %v", err)
	}
}
