package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/disk"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// readDisk reads how full the file system with path is.
func readDisk(path, hint string) source {
	return func(ctx context.Context) (*meshosv1.PeerInventory, error) {
		usage, err := disk.UsageWithContext(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("read the file system of %s: %w; %s", path, err, hint)
		}
		out := &meshosv1.DiskSpace{
			Path: path, UsedBytes: usage.Used,
			// Free is what users may use; what is kept for root is in neither.
			TotalBytes: usage.Used + usage.Free,
			InodesUsed: usage.InodesUsed, InodesTotal: usage.InodesTotal,
		}
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err == nil {
			out.Device = fmt.Sprintf("%d:%d", unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev)))
		}
		return &meshosv1.PeerInventory{Disks: []*meshosv1.DiskSpace{out}}, nil
	}
}

// disks are the file systems that are watched. Each has a collector of its own, so that one
// that hangs keeps nothing back but what concerns it.
type disks struct {
	late time.Duration // one that was read longer ago is not listed

	mu    sync.Mutex
	known []knownDisk // in the order of the configuration
}

type knownDisk struct {
	collector string
	data      bool                // the data folder's, which nobody named
	space     *meshosv1.DiskSpace // nil: unknown
	at        time.Time
}

// Measured implements sink.
func (d *disks) Measured(collector string, facts *meshosv1.PeerInventory) {
	d.set(collector, facts.GetDisks()[0])
}

// Forget implements sink.
func (d *disks) Forget(collector string) { d.set(collector, nil) }

func (d *disks) set(collector string, space *meshosv1.DiskSpace) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.known, func(k knownDisk) bool { return k.collector == collector })
	d.known[i].space, d.known[i].at = space, time.Now()
}

// fill adds the file systems to an inventory, and what is fullest of them. That is as old as
// the oldest measurement: one that hangs may be full by now. A file system that hangs is not
// in the list, where the others are.
func (d *disks) fill(out *meshosv1.PeerInventory) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var oldest, listed time.Duration
	var space, inodes *meshosv1.DiskSpace
	for _, k := range d.known {
		if k.space == nil || k.data && d.named(k.space.GetDevice()) {
			continue
		}
		age := time.Since(k.at)
		oldest = max(oldest, age)
		if space == nil || free(k.space) < free(space) {
			space = k.space
		}
		if k.space.GetInodesTotal() > 0 && (inodes == nil || freeInodes(k.space) < freeInodes(inodes)) {
			inodes = k.space
		}
		if age < d.late {
			out.Disks = append(out.Disks, proto.CloneOf(k.space))
			listed = max(listed, age)
		}
	}
	if space == nil {
		return
	}
	if out.Ages == nil {
		out.Ages = make(map[string]*durationpb.Duration)
	}
	aged := func(age time.Duration, names ...string) {
		for _, name := range names {
			out.Ages[name] = durationpb.New(age)
		}
	}
	out.DiskUsedBytes, out.DiskTotalBytes = proto.Uint64(space.GetUsedBytes()), proto.Uint64(space.GetTotalBytes())
	aged(oldest, "disk_used_bytes", "disk_total_bytes")
	if inodes != nil {
		out.DiskInodesUsed, out.DiskInodesTotal = proto.Uint64(inodes.GetInodesUsed()), proto.Uint64(inodes.GetInodesTotal())
		aged(oldest, "disk_inodes_used", "disk_inodes_total")
	}
	aged(listed, "disks")
}

// named reports whether a path of the configuration is on the device.
func (d *disks) named(device string) bool {
	return device != "" && slices.ContainsFunc(d.known, func(k knownDisk) bool {
		return !k.data && k.space.GetDevice() == device
	})
}

func free(d *meshosv1.DiskSpace) float64 {
	return float64(d.GetTotalBytes()-d.GetUsedBytes()) / float64(max(d.GetTotalBytes(), 1))
}

func freeInodes(d *meshosv1.DiskSpace) float64 {
	return float64(d.GetInodesTotal()-d.GetInodesUsed()) / float64(d.GetInodesTotal())
}
