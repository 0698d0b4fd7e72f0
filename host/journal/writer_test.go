package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/journal"
	"github.com/meshos/meshos/host/mesh"
)

// reports keeps the reasons for which a Writer stopped.
type reports struct {
	mu   sync.Mutex
	list []error
}

func (r *reports) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, err)
}

func (r *reports) all() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]error(nil), r.list...)
}

func newWriter(t testing.TB, o journal.Options) (*journal.Writer, *reports) {
	t.Helper()
	stops := &reports{}
	o.At, o.Boot, o.Stopped = stamp(0), *boot(), stops.add
	w, err := journal.NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close(context.Background()) })
	return w, stops
}

func closed(t testing.TB, w *journal.Writer) {
	t.Helper()
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func line(i int) mesh.Input {
	return mesh.Heard{Event: mesh.LogLine{Level: mesh.LevelInfo, Message: fmt.Sprintf("line %d", i)}}
}

func TestWhatIsWrittenIsWhatWasGiven(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	w, stops := newWriter(t, journal.Options{Path: path})
	w.Tick(stamp(500), 1024, false)
	w.Input(stamp(600), mesh.Outcome{ID: 1, OK: true, Final: true})
	w.Input(stamp(700), mesh.Heard{Event: mesh.DaemonStarted{Daemon: mesh.DaemonRef{ID: 3, Name: "telemetry"}}})
	w.Tick(stamp(1000), 1024, false)
	closed(t, w)
	want := strings.ReplaceAll(story(t), `"tick":{}`, `"tick":{"queue_room":1024}`)
	if got := string(readFile(t, path)); got != want {
		t.Fatalf("wrote\n%s\nwant\n%s", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v, %v", info.Mode(), err)
	}
	w.Input(stamp(2000), line(1)) // too late, and harmless
	if len(stops.all()) != 0 {
		t.Error(stops.all())
	}
}

// memory is a file that keeps what was written, and fails at a size.
type memory struct {
	mu     sync.Mutex
	text   []byte
	room   int           // bytes that fit
	wait   chan struct{} // closed when writing may begin; nil for at once
	synced int
}

func (m *memory) Write(p []byte) (int, error) {
	if m.wait != nil {
		<-m.wait
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := min(len(p), m.room-len(m.text))
	m.text = append(m.text, p[:n]...)
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (m *memory) Sync() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.synced++
	return nil
}

func (m *memory) Close() error { return nil }

func (m *memory) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return string(m.text)
}

func in(m *memory) func(string) (journal.File, error) {
	return func(string) (journal.File, error) { return m, nil }
}

func TestAJournalIsFlushedEverySecondAndSyncedAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{room: 1 << 20}
		w, _ := newWriter(t, journal.Options{Path: filepath.Join(t.TempDir(), "j")}.WithFiles(in(m)))
		w.Input(stamp(1), line(1))
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		if got := m.String(); got != "" {
			t.Fatalf("written at once: %s", got)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := len(cut(m.String())); got != 2 {
			t.Fatalf("%d lines after a second", got)
		}
		if m.synced != 0 {
			t.Error("synced while it is written")
		}
		closed(t, w)
		if m.synced != 1 {
			t.Errorf("synced %d times", m.synced)
		}
	})
}

func TestAFullDiskStopsTheJournalWithOneReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for room := 0; room < 900; room += 31 {
			m := &memory{room: room}
			w, stops := newWriter(t, journal.Options{Path: filepath.Join(t.TempDir(), "j")}.WithFiles(in(m)))
			w.Input(stamp(1), line(1))
			time.Sleep(time.Second)
			w.Input(stamp(2), line(2))
			w.Input(stamp(3), line(3))
			time.Sleep(time.Second)
			synctest.Wait()
			w.Input(stamp(4), line(4))
			err := w.Close(context.Background())
			full := errors.Is(err, syscall.ENOSPC)
			if full != (len(m.String()) == room) {
				t.Fatalf("room for %d bytes, wrote %d: %v", room, len(m.String()), err)
			}
			if got := stops.all(); full && (len(got) != 1 || got[0] != err) || !full && len(got) != 0 {
				t.Fatalf("reported %q", got)
			}
			// What is there is the beginning of a journal.
			if _, err := drain(journal.NewReader("j", strings.NewReader(m.String()))); err != nil && room > 0 {
				t.Fatalf("room for %d bytes: %v", room, err)
			}
		}
	})
}

func TestAQueueThatIsFullStopsTheJournalAndNeverTheLoop(t *testing.T) {
	m := &memory{room: 1 << 30, wait: make(chan struct{})}
	w, stops := newWriter(t, journal.Options{Path: filepath.Join(t.TempDir(), "j"), Queue: 10}.WithFiles(in(m)))
	for i := range 20_000 { // far more than any buffer holds
		w.Input(stamp(int64(i)), line(i))
	}
	if got := stops.all(); len(got) != 1 || !errors.Is(got[0], journal.ErrOverrun) {
		t.Fatalf("reported %q", got)
	}
	close(m.wait)
	if err := w.Close(context.Background()); !errors.Is(err, journal.ErrOverrun) {
		t.Fatal(err)
	}
	n, err := drain(journal.NewReader("j", strings.NewReader(m.String())))
	if err != nil || n < 10 || n > 20_000 {
		t.Fatalf("%d entries: %v", n, err)
	}
	if len(stops.all()) != 1 {
		t.Error(stops.all())
	}
}

// A source that comes back may bring all it knows at once, while the disk is busy.
func TestABurstThatTheQueueHoldsIsWrittenWhole(t *testing.T) {
	m := &memory{room: 1 << 30, wait: make(chan struct{})}
	w, stops := newWriter(t, journal.Options{Path: filepath.Join(t.TempDir(), "j"), Queue: 5_000}.WithFiles(in(m)))
	for i := range 4_990 {
		w.Input(stamp(int64(i)), line(i))
	}
	close(m.wait)
	closed(t, w)
	if n, err := drain(journal.NewReader("j", strings.NewReader(m.String()))); n != 4_991 || err != nil {
		t.Fatalf("%d entries: %v", n, err)
	}
	if len(stops.all()) != 0 {
		t.Error(stops.all())
	}
}

func TestADiskThatHangsDelaysTheEndForNoLongerThanAllowed(t *testing.T) {
	m := &memory{room: 1 << 20, wait: make(chan struct{})}
	w, _ := newWriter(t, journal.Options{Path: filepath.Join(t.TempDir(), "j")}.WithFiles(in(m)))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := w.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	close(m.wait)
	closed(t, w)
}

func TestAnInputThatCantBeReadAgainStopsTheJournal(t *testing.T) {
	for want, in := range map[string]mesh.Input{
		"journal entry 3: event.node_health.health: must be set":                              mesh.Heard{Event: mesh.HealthSample{Peer: 2}},
		"entry 3 (mesh.Heard): panicked at event_out.go:N: wire: event of unknown type <nil>": mesh.Heard{},
		"journal entry 3: samples.rtt[0].rtt: must not be negative, is -1ns": mesh.Samples{
			RTT: []mesh.RTTSample{{Peer: 1, RTT: -1}},
		},
	} {
		path := filepath.Join(t.TempDir(), "j")
		w, stops := newWriter(t, journal.Options{Path: path})
		w.Input(stamp(1), line(1))
		w.Input(stamp(2), in)
		w.Input(stamp(3), line(3))
		err := w.Close(context.Background())
		if got := regexp.MustCompile(`\.go:\d+`).ReplaceAllString(fmt.Sprint(err), ".go:N"); got != "journal: "+want {
			t.Errorf("error %v, want %s", err, want)
		}
		if len(stops.all()) != 1 {
			t.Errorf("reported %q", stops.all())
		}
		if n, err := drain(journal.NewReader("j", strings.NewReader(string(readFile(t, path))))); n != 2 || err != nil {
			t.Errorf("%d entries: %v", n, err)
		}
	}
}

// A probe may use its buffers again as soon as its answer was folded.
func TestListsAreTakenAsTheyWere(t *testing.T) {
	m := &memory{room: 1 << 20, wait: make(chan struct{})}
	w, _ := newWriter(t, journal.Options{Path: filepath.Join(t.TempDir(), "j")}.WithFiles(in(m)))
	buf := []mesh.RTTSample{{Peer: 2, RTT: 5}}
	w.Input(stamp(1), mesh.Samples{Probe: "p", RTT: buf})
	buf[0].Peer = 99
	close(m.wait)
	closed(t, w)
	if got := m.String(); !strings.Contains(got, `"rtt":[{"peer":"2"`) {
		t.Fatal(got)
	}
}

func TestAConfigurationWithMistakesBeginsNoJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	b := boot()
	b.ConfigTOML = "[nod]\n"
	if _, err := journal.NewWriter(journal.Options{Path: path, Boot: *b}); err == nil {
		t.Fatal("no error")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func BenchmarkWriterInput(b *testing.B) {
	w, err := journal.NewWriter(journal.Options{
		Path: filepath.Join(b.TempDir(), "j"), Boot: *boot(), Queue: 1 << 22,
	}.WithFiles(func(string) (journal.File, error) { return discard{&memory{}}, nil }))
	if err != nil {
		b.Fatal(err)
	}
	input := mesh.Input(mesh.Heard{Event: mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 2}})
	for i := 0; b.Loop(); i++ {
		w.Input(stamp(int64(i)), input)
	}
	_ = w.Close(context.Background())
}

// discard is a disk that is always fast enough.
type discard struct{ *memory }

func (discard) Write(p []byte) (int, error) { return len(p), nil }
