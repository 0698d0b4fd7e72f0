package main

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testneeds"
	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestDiskIsWhatUsersMayUse(t *testing.T) {
	dir := t.TempDir()
	facts, err := readDisk(dir, "")(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	d := facts.GetDisks()[0]
	if got, want := d.GetTotalBytes(), (fs.Blocks-fs.Bfree+fs.Bavail)*uint64(fs.Bsize); got/1e7 != want/1e7 {
		t.Errorf("total %d, want %d", got, want)
	}
	if d.GetInodesTotal() != fs.Files || d.GetInodesUsed() > d.GetInodesTotal() || d.GetDevice() == "" {
		t.Errorf("%v of a file system with %d inodes", d, fs.Files)
	}
	_, err = readDisk(filepath.Join(dir, "gone"), "set disk_paths")(t.Context())
	if err == nil || !strings.Contains(err.Error(), "set disk_paths") {
		t.Errorf("a path that does not exist: %v", err)
	}
}

func space(path, device string, used, total, inodes uint64) *meshosv1.PeerInventory {
	return &meshosv1.PeerInventory{Disks: []*meshosv1.DiskSpace{
		{Path: path, Device: device, UsedBytes: used, TotalBytes: total, InodesUsed: inodes, InodesTotal: 100},
	}}
}

func TestTheFullestFileSystemCounts(t *testing.T) {
	d := &disks{late: time.Hour, known: []knownDisk{{collector: "data", data: true}, {collector: "a"}, {collector: "b"}, {collector: "broken"}}}
	d.Measured("data", space("/var", "8:1", 1, 100, 0))
	d.Measured("a", space("/", "8:1", 1, 100, 0))
	d.Measured("b", space("/srv", "8:2", 900, 1000, 3))
	d.Measured("broken", space("/x", "8:3", 1000, 1000, 99))
	d.Forget("broken")
	var out meshosv1.PeerInventory
	d.fill(&out)
	var paths []string
	for _, one := range out.GetDisks() {
		paths = append(paths, one.GetPath())
	}
	if strings.Join(paths, " ") != "/ /srv" { // the data folder is in the same as /
		t.Errorf("listed %q", paths)
	}
	if out.GetDiskUsedBytes() != 900 || out.GetDiskTotalBytes() != 1000 || out.GetDiskInodesUsed() != 3 {
		t.Errorf("fullest: %v", &out)
	}
}

// A disk that hangs may be full by now, so the fullest one is not known as of now; the others
// are.
func TestADiskThatHangsIsNotListedAndMakesTheFullestOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disks{late: 10 * time.Second, known: []knownDisk{{collector: "a"}, {collector: "b"}}}
		d.Measured("a", space("/", "8:1", 1, 100, 0))
		d.Measured("b", space("/srv", "8:2", 900, 1000, 3))
		time.Sleep(40 * time.Second)
		d.Measured("a", space("/", "8:1", 2, 100, 0))
		var out meshosv1.PeerInventory
		d.fill(&out)
		age := func(fact string) time.Duration { return out.GetAges()[fact].AsDuration() }
		if age("disk_used_bytes") != 40*time.Second || age("disk_inodes_total") != 40*time.Second || out.GetDiskUsedBytes() != 900 {
			t.Errorf("fullest: %v", &out)
		}
		if len(out.GetDisks()) != 1 || out.GetDisks()[0].GetUsedBytes() != 2 || age("disks") != 0 {
			t.Errorf("listed: %v", &out)
		}
	})
}

// A real file system beside that of the data folder, with few inodes.
func TestTheDataFoldersFileSystemIsAlwaysWatched(t *testing.T) {
	testneeds.Root(t, "mount a file system")
	dir := t.TempDir()
	if err := unix.Mount("test", dir, "tmpfs", 0, "size=1m,nr_inodes=8"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	c := plugintest.Start(t, newProbe, config{
		DiskPaths: []string{dir}, Interval: pluginsdk.Duration(100 * time.Millisecond),
	})
	s := firstSample(t, c)
	if len(s.GetDisks()) != 2 || s.GetDiskInodesTotal() == 0 {
		t.Fatalf("disks: %v", s.GetDisks())
	}
	for _, d := range s.GetDisks() {
		if d.GetPath() == dir && (d.GetTotalBytes() != 1<<20 || d.GetInodesTotal() != 8) {
			t.Errorf("the mounted one: %v", d)
		}
	}
}
