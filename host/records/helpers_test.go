package records_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/snapshottest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	node  = 1
	epoch = 77
)

// loop stands for the node's loop: its rings, what it publishes, what it is fed.
// A failure report becomes a failure record, as in the real one.
type loop struct {
	*snapshottest.Source
	mu      sync.Mutex
	snap    snapshot.Snapshot // what the next publish shows
	seq     [5]uint64
	acks    []mesh.Acknowledged
	reports []mesh.FailureReport
	closed  bool // it takes nothing
}

func newLoop() *loop {
	return &loop{Source: snapshottest.New(nil), snap: snapshot.Snapshot{Node: node, Epoch: epoch}}
}

func (l *loop) Acknowledge(_ context.Context, a mesh.Acknowledged) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("the loop has ended")
	}
	l.acks = append(l.acks, a)
	return nil
}

func (l *loop) Report(_ context.Context, r mesh.FailureReport) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("the loop has ended")
	}
	l.reports = append(l.reports, r)
	l.add(mesh.ChainFailure, r.Reason)
	return nil
}

// write adds n records to a ring and publishes.
func (l *loop) write(c mesh.RecordChain, n int, text string) {
	l.mu.Lock()
	for range n {
		l.add(c, text)
	}
	l.mu.Unlock()
	l.publish()
}

func (l *loop) add(c mesh.RecordChain, text string) {
	l.seq[c]++
	seq := l.seq[c]
	s := &l.snap
	switch c {
	case mesh.ChainAudit:
		s.Audit = push(s.Audit, 256, mesh.AuditRecord{Seq: seq, Event: mesh.Cordon{Node: node}})
	case mesh.ChainLog:
		s.Logs = push(s.Logs, 2048, mesh.LogRecord{Seq: seq, Message: text})
	case mesh.ChainFailure:
		s.Failures = push(s.Failures, 256, mesh.FailureRecord{Seq: seq, Reason: text})
	case mesh.ChainAction:
		s.Actions = push(s.Actions, 256, mesh.ActionRecord{Seq: seq, Action: mesh.DropReplica{Chain: 1}})
	}
}

// push returns a ring with one record more. What older snapshots show stays as it is, since a
// ring is only ever appended to.
func push[T any](ring []T, size int, v T) []T {
	ring = append(ring, v)
	return ring[max(0, len(ring)-size):]
}

func (l *loop) publish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.snap
	l.Show(&s)
}

// acked is the last acknowledged seq of a chain.
func (l *loop) acked(c mesh.RecordChain) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := uint64(0)
	for _, a := range l.acks {
		if a.Chain == c {
			last = a.Through
		}
	}
	return last
}

func (l *loop) wantReports(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var got []string
	for _, r := range l.reports {
		got = append(got, r.Source+": "+r.Reason)
	}
	if !slices.Equal(got, want) {
		t.Errorf("failure reports:\n got %q\nwant %q", got, want)
	}
}

// store is an appender that remembers what it got, after it called answer if that is set.
type store struct {
	name   string
	answer func(ctx context.Context, records []*meshosv1.Record) error

	mu    sync.Mutex
	held  []string // "log 1", "audit 7" …
	calls []string // the records of each call: "log 1-3"
	at    []time.Time
}

func (s *store) Name() string { return s.name }

func (s *store) Append(ctx context.Context, records []*meshosv1.Record) error {
	s.mu.Lock()
	s.calls = append(s.calls, describe(records))
	s.at = append(s.at, time.Now())
	answer := s.answer
	s.mu.Unlock()
	if answer != nil {
		if err := answer(ctx, records); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		s.held = append(s.held, label(r))
	}
	return nil
}

func (s *store) answers(f func(ctx context.Context, records []*meshosv1.Record) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

func (s *store) wantHeld(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.held, want) {
		t.Errorf("%s holds %v, want %v", s.name, s.held, want)
	}
}

func (s *store) wantCalls(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.calls, want) {
		t.Errorf("%s was called with %q, want %q", s.name, s.calls, want)
	}
}

// label returns "log 7" for a record of this node and epoch.
func label(r *meshosv1.Record) string {
	var c string
	var e, seq uint64
	switch k := r.Kind.(type) {
	case *meshosv1.Record_Audit:
		c, e, seq = "audit", k.Audit.Epoch, k.Audit.Seq
	case *meshosv1.Record_Log:
		c, e, seq = "log", k.Log.Epoch, k.Log.Seq
	case *meshosv1.Record_Failure:
		c, e, seq = "failure", k.Failure.Epoch, k.Failure.Seq
	case *meshosv1.Record_Action:
		c, e, seq = "action", k.Action.Epoch, k.Action.Seq
	}
	if e != epoch {
		return fmt.Sprintf("%s %d of epoch %d", c, seq, e)
	}
	return fmt.Sprintf("%s %d", c, seq)
}

// describe returns "audit 1-2, log 1-256".
func describe(records []*meshosv1.Record) string {
	var parts []string
	for i := 0; i < len(records); {
		c, first, _ := strings.Cut(label(records[i]), " ")
		last := first
		for i++; i < len(records) && strings.HasPrefix(label(records[i]), c+" "); i++ {
			_, last, _ = strings.Cut(label(records[i]), " ")
		}
		parts = append(parts, c+" "+first+"-"+last)
	}
	return strings.Join(parts, ", ")
}

// follow keeps records in a folder of its own until the function it returns is called.
func follow(t *testing.T, l *loop, subs ...records.Subscription) (*records.Records, func()) {
	t.Helper()
	return followIn(t, l, records.Options{Dir: t.TempDir()}, subs...)
}

func followIn(t *testing.T, l *loop, o records.Options, subs ...records.Subscription) (*records.Records, func()) {
	t.Helper()
	r, err := records.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Subscribe(subs); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { r.Run(ctx, records.Node{Reader: l, Feed: l}); close(ended) }()
	return r, func() { cancel(); <-ended }
}

func verify(t *testing.T, dir, name string) durable.Report {
	t.Helper()
	fs, err := disk.Existing(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	report, err := durable.Walk(fs, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}
