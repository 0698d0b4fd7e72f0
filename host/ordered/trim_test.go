package ordered

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/disk"
)

// desire orders so many replicas of chain 7.
func (m *machine) desire(n uint32) mesh.AuditRecord {
	return m.order(mesh.SetPlacement{Node: this, Chain: 7, Desired: &n})
}

func (m *machine) desired() uint32 {
	c, _ := m.state.Chain(7)
	return c.Desired
}

// files returns the names of the log's files.
func (m *machine) files() []string {
	m.t.Helper()
	names, err := filepath.Glob(filepath.Join(m.log.dir, "*.rec"))
	if err != nil {
		m.t.Fatal(err)
	}
	return names
}

// overwrite damages a file beside the log's.
func (m *machine) overwrite(name string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.log.dir, name), []byte("meshos"), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func smallFiles(t *testing.T) *machine {
	m := newMachine(t, t.TempDir(), file(true, 2))
	_ = m.log.Close()
	m.fileSize = 1000
	m.boot()
	return m
}

func TestB25_OrdersThatNothingNeedsAreDropped(t *testing.T) {
	m := smallFiles(t)
	for n := uint32(1); n <= 100; n++ {
		if got := m.desire(n).Ordered.Height; got != uint64(n) {
			t.Fatalf("order %d has height %d", n, got)
		}
		m.tick(time.Second)
		if files := m.files(); len(files) > 3 {
			t.Fatalf("after %d orders there are %d files", n, len(files))
		}
		if n%10 == 0 {
			m.reboot(time.Second)
			if notes := m.log.Notes(); len(notes) > 0 || m.desired() != n {
				t.Fatalf("after %d orders: %d are desired, noted %q", n, m.desired(), notes)
			}
		}
	}
	report, err := Verify(m.log.dir)
	if err != nil || len(report.Damage)+len(report.Problems) > 0 || report.First < 90 || report.Height != 100 {
		t.Errorf("verify says %+v, %v", report, err)
	}
}

func TestB25_VerifyFindsWhatIsWrongWithTheLog(t *testing.T) {
	for name, wrong := range map[string]func(m *machine) string{
		"a damaged checkpoint": func(m *machine) string {
			m.overwrite(checkpointName)
			return "/checkpoint: it is damaged"
		},
		"a damaged base": func(m *machine) string {
			m.overwrite(baseName)
			return "/checkpoint.base: it is damaged"
		},
		"a checkpoint of another log": func(m *machine) string {
			c, err := readCheckpoint(m.log.dir, checkpointName)
			if err != nil {
				m.t.Fatal(err)
			}
			c.Head[0]++
			if err := writeCheckpoint(m.log.dir, checkpointName, c); err != nil {
				m.t.Fatal(err)
			}
			return "it is not the order up to which the checkpoint goes"
		},
		"a checkpoint whose log is gone": func(m *machine) string {
			for _, name := range m.files() {
				if err := os.Remove(name); err != nil {
					m.t.Fatal(err)
				}
			}
			return "the log does not hold the order at height 20"
		},
		"an order that does not continue the one before": func(m *machine) string {
			m.log.tail.head[0]++
			m.desire(21)
			return "the order at height 21 does not continue the one at height 20"
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := smallFiles(t)
			for n := uint32(1); n <= 20; n++ {
				m.desire(n)
				m.tick(time.Second)
			}
			want := wrong(m)
			report, err := Verify(m.log.dir)
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(report.Problems, "\n")
			for _, d := range report.Damage {
				said += d.Error()
			}
			if len(report.Damage)+len(report.Problems) != 1 || !strings.Contains(said, want) {
				t.Errorf("verify says %s", said)
			}
		})
	}
}

// Without a checkpoint nothing is dropped, however long the log becomes.
func TestB25_OrdersAboveTheCheckpointStay(t *testing.T) {
	m := smallFiles(t)
	m.desire(1)
	m.tick(time.Second)
	for n := uint32(2); n <= 40; n++ {
		m.desire(n)
	}
	if err := os.Remove(filepath.Join(m.log.dir, checkpointName)); err != nil {
		t.Fatal(err)
	}
	m.reboot(time.Second)
	if m.desired() != 40 || len(m.log.Notes()) != 0 {
		t.Errorf("%d are desired, noted %q", m.desired(), m.log.Notes())
	}
}

func TestB25_ADamagedCheckpointIsMadeAnewFromALogThatWasCut(t *testing.T) {
	m := smallFiles(t)
	m.order(mesh.Cordon{Node: 2})
	for n := uint32(1); n <= 40; n++ {
		m.desire(n)
		m.tick(time.Second)
	}
	m.overwrite(checkpointName)
	m.reboot(time.Second)
	if notes := m.log.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "made anew from the log") {
		t.Errorf("noted %q", notes)
	}
	if !m.state.Cordoned(2) || m.desired() != 40 || m.state.Orders().Height != 41 {
		t.Errorf("restored %+v", m.state.Orders())
	}
	m.overwrite(checkpointName)
	m.overwrite(baseName)
	m.reboot(time.Second)
	notes := strings.Join(m.log.Notes(), "\n")
	if !strings.Contains(notes, "what was ordered before the oldest entry of the log is lost") || !strings.Contains(notes, "some are lost in between") {
		t.Errorf("noted %s", notes)
	}
	if m.desired() != 40 || m.desire(41).Ordered.Height != 42 {
		t.Errorf("restored %+v", m.state.Orders())
	}
	m.tick(time.Second)
	m.reboot(time.Second)
	if notes := m.log.Notes(); len(notes) != 0 || m.desired() != 41 {
		t.Errorf("after it was made anew: %d are desired, noted %q", m.desired(), notes)
	}
}

// steps is a folder that calls before each change of it. What that panics with is the end
// of the process.
type steps struct {
	disk.FS
	before func()
}

func (s steps) Create(name string) (disk.File, error) {
	s.before()
	f, err := s.FS.Create(name)
	return stepsFile{f, s.before}, err
}

func (s steps) Append(name string) (disk.File, error) {
	f, err := s.FS.Append(name)
	return stepsFile{f, s.before}, err
}

func (s steps) Remove(name string) error  { s.before(); return s.FS.Remove(name) }
func (s steps) Protect(name string) error { s.before(); return s.FS.Protect(name) }
func (s steps) SyncDir() error            { s.before(); return s.FS.SyncDir() }

type stepsFile struct {
	disk.File
	before func()
}

// WriteAt writes the first half of a write that is cut off by the end of the process.
func (f stepsFile) WriteAt(p []byte, at int64) (int, error) {
	defer func() {
		if end := recover(); end != nil {
			_, _ = f.File.WriteAt(p[:len(p)/2], at)
			panic(end)
		}
	}()
	f.before()
	return f.File.WriteAt(p, at)
}

func (f stepsFile) Truncate(n int64) error { f.before(); return f.File.Truncate(n) }
func (f stepsFile) Sync() error            { f.before(); return f.File.Sync() }

// errKilled is what a machine panics with that is killed.
var errKilled = errors.New("killed")

// Whatever the node was doing to the disk when it was killed, and also if the checkpoint is
// damaged then, all that was answered is in force, nothing else is but what was being
// written, and the log goes on.
func TestP2_B25_AKillAtAnyStepLosesNoOrder(t *testing.T) {
	for _, damaged := range []bool{false, true} {
		t.Run(fmt.Sprintf("the checkpoint is damaged: %v", damaged), func(t *testing.T) {
			for kill := 1; killAt(t, kill, damaged); kill++ {
			}
		})
	}
}

// killAt kills a machine before a step, and lets it go on. It reports whether there was that
// step.
func killAt(t *testing.T, kill int, damaged bool) bool {
	const orders = 8
	m := smallFiles(t)
	_ = m.log.Close()
	m.fileSize = 500
	left := kill
	m.before = func() {
		if left--; left == 0 {
			panic(errKilled)
		}
	}
	answered, sent, killed := uint32(0), uint32(0), false
	life := func() {
		defer func() {
			if end := recover(); end != nil {
				if end != errKilled { //nolint:errorlint // it is a panic's value
					panic(end)
				}
				killed = true
			}
		}()
		m.boot()
		if got := m.desired(); answered > 0 && got != answered && got != sent {
			t.Errorf("killed at step %d: %d are desired, %d were ordered", kill, got, answered)
		}
		for answered < orders {
			sent = answered + 1
			if got := m.desire(sent); got.Ordered.Height == 0 {
				t.Fatalf("step %d: recorded %+v", kill, got)
			}
			answered = sent
			m.tick(time.Second)
		}
		m.tick(time.Second)
	}
	life()
	_ = m.log.Close() // as the end of a process does
	if !killed {
		if kill < 30 || len(m.files()) > 3 {
			t.Errorf("there were only %d steps, and %d files are left: it shows little", kill, len(m.files()))
		}
		return false
	}
	at := fmt.Sprintf("killed at step %d, after %d orders", kill, answered)
	checkpoint := filepath.Join(m.dir, "ordered", checkpointName)
	if _, err := os.Stat(checkpoint); damaged && err == nil {
		if err := os.WriteFile(checkpoint, []byte("meshos"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.wall = m.wall.Add(time.Minute)
	life()
	for _, note := range m.log.Notes() {
		if !strings.Contains(note, "were cut off") && !strings.Contains(note, "held no record") &&
			!(damaged && strings.Contains(note, "made anew")) {
			t.Errorf("%s: noted %q", at, note)
		}
	}
	m.before = nil
	m.reboot(time.Second)
	if notes := m.log.Notes(); m.desired() != orders || len(notes) > 0 {
		t.Errorf("%s, and then to the end: %d are desired, noted %q", at, m.desired(), notes)
	}
	_ = m.log.Close()
	return true
}
