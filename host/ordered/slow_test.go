package ordered

import (
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/meshos/meshos/host/records/disk"
)

// slowDisk is a folder each of whose syncs takes a second.
type slowDisk struct {
	disk.FS
	syncs *atomic.Int64
}

type slowFile struct {
	disk.File
	syncs *atomic.Int64
}

func (d slowDisk) Create(name string) (disk.File, error) {
	f, err := d.FS.Create(name)
	return slowFile{f, d.syncs}, err
}

func (f slowFile) Sync() error {
	time.Sleep(time.Second)
	f.syncs.Add(1)
	return f.File.Sync()
}

// openSlow returns an empty log on a slow disk, and how many syncs there were.
func openSlow(t *testing.T) (*Log, *atomic.Int64) {
	t.Helper()
	dir := t.TempDir()
	folder, err := disk.Open(filepath.Join(dir, Folder))
	if err != nil {
		t.Fatal(err)
	}
	var syncs atomic.Int64
	l, err := Open(Options{DataDir: dir, Node: this, Now: time.Now, Log: slog.New(slog.DiscardHandler), fs: slowDisk{folder, &syncs}})
	if err != nil {
		t.Fatal(err)
	}
	return l, &syncs
}
