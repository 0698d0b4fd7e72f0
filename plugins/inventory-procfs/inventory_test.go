package main

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

var usual = config{Interval: pluginsdk.Duration(time.Second), Deadline: pluginsdk.Duration(500 * time.Millisecond)}

func answersLoad(context.Context) (*meshosv1.PeerInventory, error) {
	return &meshosv1.PeerInventory{CpuLoad_1M: proto.Float64(1.5)}, nil
}

// mount is a disk source that a test can make hang or fail.
type mount struct {
	reads atomic.Int32
	mood  atomic.Pointer[mood]
}

// mood is how a mount reacts to a read.
type mood struct {
	dead  chan struct{} // a read waits until it is closed; nil: it does not wait
	hangs time.Duration // how long a read takes
	err   error
	panic bool
}

func mountIn(m mood) *mount {
	var out mount
	out.mood.Store(&m)
	return &out
}

func (m *mount) read(context.Context) (*meshosv1.PeerInventory, error) {
	m.reads.Add(1)
	mood := m.mood.Load()
	if mood.dead != nil {
		<-mood.dead
	}
	time.Sleep(mood.hangs)
	if mood.panic {
		panic("driver bug")
	}
	return &meshosv1.PeerInventory{DiskTotalBytes: proto.Uint64(9)}, mood.err
}

// bubble runs an inventory in virtual time; logged returns its log.
func bubble(t *testing.T, sources []named, test func(inv *inventory, logged func() string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var out plugintest.Buffer
		log := hclog.New(&hclog.LoggerOptions{Output: &out, Level: hclog.Info})
		inv := newInventory(pluginsdk.Env{Node: 7}, usual, sources, log)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); inv.run(ctx) }()
		test(inv, out.String)
		cancel()
		<-done
	})
}

func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestTheFirstSampleComesAtOnce(t *testing.T) {
	bubble(t, []named{{"load", answersLoad}}, func(inv *inventory, _ func() string) {
		synctest.Wait()
		s := inv.sample()
		if s.GetPeer() != 7 || s.GetCpuLoad_1M() != 1.5 || s.GetSoftwareVersion() != "inventory-procfs "+version || s.DiskTotalBytes != nil {
			t.Errorf("sample: %v", s)
		}
	})
}

func TestAStuckMountSilencesNothingElseAndCostsOneGoroutine(t *testing.T) {
	m := mountIn(mood{})
	bubble(t, []named{{"disk", m.read}, {"load", answersLoad}}, func(inv *inventory, logged func() string) {
		synctest.Wait()
		if s := inv.sample(); s.GetDiskTotalBytes() != 9 {
			t.Fatalf("sample: %v", s)
		}
		dead := make(chan struct{})
		m.mood.Store(&mood{dead: dead})
		before := m.reads.Load()
		after(time.Minute)
		s := inv.sample()
		if age := s.GetAges()["disk_total_bytes"].AsDuration(); age < time.Minute || s.GetDiskTotalBytes() != 9 {
			t.Errorf("sample with a dead mount: disk %v old: %v", age, s)
		}
		if age := s.GetAges()["cpu_load_1m"].AsDuration(); age > 2*time.Second || s.CpuLoad_1M == nil {
			t.Errorf("sample with a dead mount: load %v old: %v", age, s)
		}
		if n := m.reads.Load() - before; n != 1 {
			t.Errorf("%d reads of a dead mount, want 1", n)
		}
		if n := strings.Count(logged(), "is late"); n != 1 {
			t.Errorf("said %d times:\n%s", n, logged())
		}
		m.mood.Store(&mood{})
		close(dead)
		synctest.Wait()
		if s := inv.sample(); s.GetDiskTotalBytes() != 9 || s.GetAges()["disk_total_bytes"].AsDuration() > time.Second {
			t.Errorf("sample after the mount came back: %v", s)
		}
		if !strings.Contains(logged(), "answers again") {
			t.Errorf("logged:\n%s", logged())
		}
	})
}

func TestAMountDeadFromTheStartDelaysNothingPastTheDeadline(t *testing.T) {
	m := mountIn(mood{hangs: time.Hour})
	bubble(t, []named{{"disk", m.read}, {"load", answersLoad}}, func(inv *inventory, _ func() string) {
		synctest.Wait()
		if s := inv.sample(); s.CpuLoad_1M != nil || inv.complete.Load() {
			t.Errorf("a sample before anything is known: %v", s)
		}
		after(time.Duration(usual.Deadline))
		if s := inv.sample(); s.CpuLoad_1M == nil || s.DiskTotalBytes != nil || !inv.complete.Load() {
			t.Errorf("sample: %v", s)
		}
		m.mood.Store(&mood{})
		after(time.Hour) // synctest requires that every goroutine ends
	})
}

func TestAFailureIsLoggedOncePerChangeAndItsFactsGo(t *testing.T) {
	for name, broken := range map[string]mood{"error": {err: errors.New("no such path")}, "panic": {panic: true}} {
		t.Run(name, func(t *testing.T) {
			m := mountIn(mood{})
			bubble(t, []named{{"load", answersLoad}, {"disk", m.read}}, func(inv *inventory, logged func() string) {
				synctest.Wait()
				m.mood.Store(&broken)
				after(time.Minute)
				if s := inv.sample(); s.DiskTotalBytes != nil || s.CpuLoad_1M == nil {
					t.Errorf("sample: %v", s)
				}
				if n := strings.Count(logged(), "collector failed"); n != 1 {
					t.Errorf("said %d times:\n%s", n, logged())
				}
				m.mood.Store(&mood{})
				after(time.Minute)
				if s := inv.sample(); s.GetDiskTotalBytes() != 9 || !strings.Contains(logged(), "works again") {
					t.Errorf("sample: %v, logged:\n%s", s, logged())
				}
			})
		})
	}
}

func TestSamplesBelongToTheCaller(t *testing.T) {
	bubble(t, []named{{"load", answersLoad}}, func(inv *inventory, _ func() string) {
		synctest.Wait()
		inv.sample().Capabilities = []string{"mine"}
		*inv.sample().CpuLoad_1M = 99
		if s := inv.sample(); s.GetCpuLoad_1M() != 1.5 || len(s.GetCapabilities()) != 0 {
			t.Errorf("sample: %v", s)
		}
	})
}
