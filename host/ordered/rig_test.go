package ordered

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/statetest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// this is the node of all tests.
const this mesh.NodeID = 1

// machine is a node without a host: the log, and a state that folds what the log lets pass.
// Its clock is the test's. A reboot loses the state and keeps the disk.
type machine struct {
	t     tester
	dir   string
	wall  time.Time
	began time.Time
	file  mesh.Configured
	log   *Log
	state *state.State
	said  []string

	fileSize int64  // of the log's files; 0 for the usual one
	before   func() // called before each thing that is done to the disk; nil for nothing
}

func newMachine(t tester, dir string, file mesh.Configured) *machine {
	t.Helper()
	m := &machine{t: t, dir: dir, wall: time.Unix(1_800_000_000, 0).UTC(), file: file}
	m.boot()
	return m
}

// tester is a test, or one of a property.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// boot begins a process on what is on disk.
func (m *machine) boot() {
	m.t.Helper()
	log, err := Open(m.options())
	if err != nil {
		m.t.Fatal(err)
	}
	b := state.Boot{
		At: mesh.Stamp{Wall: m.wall}, Node: this, NodeName: "here", Epoch: 7, Policy: statetest.Policy(), Desired: m.file,
	}
	b, lines, err := log.Restore(b)
	if err != nil {
		m.t.Fatal(err)
	}
	m.said = nil
	for _, line := range lines {
		m.said = append(m.said, line.Message)
	}
	m.log, m.began, m.state = log, m.wall, state.New(b)
}

func (m *machine) options() Options {
	o := Options{
		DataDir: m.dir, Node: this, Now: func() time.Time { return m.wall },
		Log: slog.New(slog.DiscardHandler), fileSize: m.fileSize,
	}
	if m.before != nil {
		folder, err := disk.Open(filepath.Join(m.dir, "ordered"))
		if err != nil {
			m.t.Fatal(err)
		}
		o.fs = steps{folder, m.before}
		o.write = func(dir, name string, c *meshosv1.OrderedCheckpoint) error {
			m.before()
			return writeCheckpoint(dir, name, c)
		}
	}
	return o
}

// reboot ends the process as SIGKILL does, and begins the next one after a while.
func (m *machine) reboot(after time.Duration) {
	m.t.Helper()
	if err := m.log.Close(); err != nil {
		m.t.Fatal(err)
	}
	m.wall = m.wall.Add(after)
	m.boot()
}

func (m *machine) stamp() mesh.Stamp {
	return mesh.Stamp{At: mesh.Time(m.wall.Sub(m.began)), Wall: m.wall}
}

// tick lets time go by and runs a pass, as the loop does, and keeps the checkpoint.
func (m *machine) tick(after time.Duration) {
	m.wall = m.wall.Add(after)
	m.state.Tick(m.stamp())
	m.log.keep(snapshot.Build(m.state, m.stamp()))
}

// order has operators order something, with a signature.
func (m *machine) order(ev mesh.AdminEvent) mesh.AuditRecord {
	m.t.Helper()
	payload, err := proto.Marshal(&meshosv1.AdminCommand{ClusterId: "default", Event: wire.AdminToProto(ev)})
	if err != nil {
		m.t.Fatal(err)
	}
	record, err := m.log.Queue(m).Judged(context.Background(), mesh.JudgedCommit{
		Event: ev, Outcome: mesh.Verification{Verdict: mesh.VerdictAccepted},
		Envelope:  &mesh.Envelope{Payload: payload, Signatures: [][]byte{{1}}},
		Operators: []mesh.Operator{{KeyID: "SHA256:a", Name: "ana", Verified: true}},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return record
}

// publish publishes events without signatures.
func (m *machine) publish(evs ...mesh.Event) {
	m.t.Helper()
	if n, err := m.log.Queue(m).PublishBatch(context.Background(), evs); err != nil || n != len(evs) {
		m.t.Fatalf("published %d of %d: %v", n, len(evs), err)
	}
}

// The machine is a loop that folds at once.

func (m *machine) Fit(evs []mesh.Event) ([]mesh.Event, error) { return evs, nil }

func (m *machine) PublishBatch(_ context.Context, evs []mesh.Event) (int, error) {
	for _, ev := range evs {
		m.state.Apply(m.stamp(), mesh.Heard{Event: ev})
	}
	return len(evs), nil
}

func (m *machine) Judged(_ context.Context, c mesh.JudgedCommit) (mesh.AuditRecord, error) {
	m.state.Apply(m.stamp(), c)
	return m.audited(), nil
}

func (m *machine) SignerChange(_ context.Context, c mesh.SignerChange) (mesh.AuditRecord, error) {
	m.state.Apply(m.stamp(), c)
	return m.audited(), nil
}

func (m *machine) Queue(_ context.Context, ins []mesh.Input) (func(context.Context) (mesh.AuditRecord, error), error) {
	for _, in := range ins {
		m.state.Apply(m.stamp(), in)
	}
	return func(context.Context) (mesh.AuditRecord, error) { return m.audited(), nil }, nil
}

func (m *machine) audited() mesh.AuditRecord {
	audit := m.state.Audit()
	if len(audit) == 0 {
		return mesh.AuditRecord{}
	}
	return audit[len(audit)-1]
}
