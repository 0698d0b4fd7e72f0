package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// figures are what one attack did to a node.
type figures struct {
	attack  string
	ticks   uint64
	late    int           // ticks that came later than one probe budget
	worst   time.Duration // the longest time between two ticks
	asked   uint64        // calls to the well-behaved probe meanwhile
	memory  uint64        // the most that was resident, in bytes
	status  time.Duration // the slowest answer to "meshos status"
	ordered int           // commands that were acknowledged as accepted and durable
	refused []string      // why others were not
	lost    int           // acknowledged and not on disk
	left    []string      // processes that outlived the node
}

// run runs one attack for a time.
func run(ctx context.Context, b binaries, a attack, seconds time.Duration) (f figures, err error) {
	dir, err := os.MkdirTemp("", "torture")
	if err != nil {
		return f, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	plugin, end := b.attacker, func() {}
	if a.file != nil {
		if plugin, end, err = a.file(dir, b.attacker); err != nil {
			return f, err
		}
	}
	defer end()
	n, err := start(ctx, b, dir, a, plugin)
	if err != nil {
		return f, err
	}
	f.attack = a.name
	if err := n.ready(ctx); err != nil {
		n.kill()
		return f, err
	}
	attacked, stop := context.WithTimeout(ctx, seconds)
	defer stop()
	var all sync.WaitGroup
	var acknowledged []string
	all.Go(func() { n.ticks(attacked, &f) })
	all.Go(func() { f.memory = n.memory(attacked) })
	all.Go(func() { f.status = n.answers(attacked, b.meshos) })
	all.Go(func() { acknowledged, f.refused = n.orders(ctx, attacked) })
	all.Wait()
	n.kill()
	f.left, f.ordered = left(), len(acknowledged)
	f.lost, err = lost(ctx, dir, acknowledged)
	return f, err
}

// ready waits until the well-behaved probe is, and ticks come at their interval.
func (n *node) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	stream, err := n.WatchSnapshots(ctx, &hostv1.WatchSnapshotsRequest{})
	var last *meshosv1.Snapshot // of a regular tick
	for err == nil {
		var s *meshosv1.Snapshot
		if s, err = stream.Recv(); err != nil {
			break
		}
		if regular(s) == regular(last) {
			continue
		}
		// The first ticks of a node follow each other sooner, and do not ask all probes.
		steady := s.GetTakenAt().AsTime().Sub(last.GetTakenAt().AsTime()) >= interval
		if steady && last != nil && sibling(s).GetStatus() == meshosv1.PluginView_STATUS_READY {
			return nil
		}
		last = s
	}
	return fmt.Errorf("the well-behaved probe is not ready: %w\n%s", err, n.out.String())
}

func sibling(s *meshosv1.Snapshot) *meshosv1.PluginView {
	for _, p := range s.GetPlugins() {
		if p.GetName() == "sibling" {
			return p
		}
	}
	return nil
}

// ticks watches the snapshots of regular ticks: those that were asked for early ask no probe. A
// snapshot that was missed is not a late tick: the time between two is counted for each tick
// between them.
func (n *node) ticks(ctx context.Context, f *figures) {
	stream, err := n.WatchSnapshots(ctx, &hostv1.WatchSnapshotsRequest{})
	if err != nil {
		return
	}
	var first, last *meshosv1.Snapshot
	for {
		s, err := stream.Recv()
		if err != nil {
			break
		}
		switch {
		case first == nil:
			first = s
		case regular(s) == regular(last):
			continue
		default:
			gap := s.GetTakenAt().AsTime().Sub(last.GetTakenAt().AsTime())
			n := regular(s) - regular(last)
			each := gap / time.Duration(n)
			f.worst = max(f.worst, each)
			if each > interval+2*budget { // a budget for probes, and one for being late
				f.late += int(n)
			}
		}
		last = s
	}
	if first != nil {
		f.ticks = regular(last) - regular(first)
		f.asked = sibling(last).GetCalls() - sibling(first).GetCalls()
	}
}

// regular returns how many regular ticks there were up to a snapshot.
func regular(s *meshosv1.Snapshot) uint64 { return s.GetStats().GetTicks() }

// memory returns the most that the node had resident.
func (n *node) memory(ctx context.Context) (most uint64) {
	path := filepath.Join("/proc", strconv.Itoa(n.cmd.Process.Pid), "statm")
	page := uint64(os.Getpagesize())
	every(ctx, 100*time.Millisecond, func() {
		raw, _ := os.ReadFile(path)
		if fields := strings.Fields(string(raw)); len(fields) > 1 {
			if pages, err := strconv.ParseUint(fields[1], 10, 64); err == nil {
				most = max(most, pages*page)
			}
		}
	})
	return most
}

// answers returns how long "meshos status" took at most, as an operator would call it.
func (n *node) answers(ctx context.Context, meshos string) (worst time.Duration) {
	every(ctx, 500*time.Millisecond, func() {
		cmd := exec.Command(meshos, "-c", filepath.Join(n.dir, "meshos.toml"), "status")
		cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
		began := time.Now()
		if err := cmd.Run(); err != nil {
			worst = max(worst, time.Hour) // no answer at all
			return
		}
		worst = max(worst, time.Since(began))
	})
	return worst
}

// orders commits a command each quarter of a second until attacked ends.
func (n *node) orders(ctx, attacked context.Context) (acknowledged, refused []string) {
	number := uint64(0)
	every(attacked, 250*time.Millisecond, func() {
		number++
		id, err := n.order(ctx, number)
		switch {
		case err == nil:
			acknowledged = append(acknowledged, id)
		case !errors.Is(err, context.Canceled):
			refused = append(refused, err.Error())
		}
	})
	return acknowledged, refused
}

func every(ctx context.Context, pause time.Duration, do func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		do()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
