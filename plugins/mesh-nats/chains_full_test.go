package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testneeds"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// onSmallDisk gives a machine a disk of 64 MiB.
func (m *machine) onSmallDisk(t *testing.T) {
	t.Helper()
	if err := unix.Mount("tmpfs", m.dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(m.dir, unix.MNT_DETACH) })
}

func TestReplicasLeaveAFullDisk(t *testing.T) {
	testneeds.Root(t, "mount a small disk")
	c, all := newChains(t, func(m *machine) {
		if m.id > 1 { // programs use the first
			m.onSmallDisk(t)
		}
	})
	c.set(all, &meshosv1.SetChain{Chain: 1, Name: "one", Replicas: 3, Stream: &meshosv1.ChainStream{Subjects: []string{"one.>"}}})
	nc, err := c.program(t, "a token of programs")
	if err != nil {
		t.Fatal(err)
	}
	_, holders := c.become(1, "three hold it", heldBy(3))
	w := startWriter(t, nc, "one.x")

	full := slices.Max(holders) // it may lead
	m := all[full-1]
	var disk unix.Statfs_t
	if err := unix.Statfs(m.dir, &disk); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(m.dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, int64(disk.Bavail)*disk.Bsize-2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	c.become(1, "the full node's replica has moved", func(_ uint64, holders []uint64) bool {
		return len(holders) == 3 && !slices.Contains(holders, full)
	})
	c.until("it is said that its disk is full", func() bool {
		return len(c.recorded(fmt.Sprintf("disk: node %[1]d (m%[1]d): the disk of its chains is full", full))) > 0
	})
	w.check(t)

	// With room again it takes replicas.
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	c.until("it takes replicas again", func() bool {
		h := all[0].node().holder.Load()
		if h == nil {
			return false
		}
		_, takes := h.open(time.Now())[full]
		return takes
	})
}
