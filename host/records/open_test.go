package records_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/records/disk/diskfault"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestRecordsAnswerBeforeTheyRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, l := onDisk(t, diskfault.New()), newLoop()
		_, stop := followIn(t, l, o)
		for range 20 {
			l.write(mesh.ChainAudit, 5, "x")
			synctest.Wait()
		}
		stop()

		r, err := records.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Subscribe([]records.Subscription{{Appender: &store{name: "jsonl"}}}); err != nil {
			t.Fatal(err)
		}
		if !r.AuditFull() || r.AppendFailures() != 0 {
			t.Errorf("full %v, %d append failures, want true and none", r.AuditFull(), r.AppendFailures())
		}
		var last string
		err = r.Read(t.Context(), mesh.ChainAudit, mesh.RecordPosition{}, func(bool) error { return nil },
			func(record *meshosv1.Record) error {
				last = label(record)
				return nil
			})
		if err != nil || last != "audit 100" {
			t.Errorf("read up to %q: %v", last, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Durable(ctx, mesh.ChainAudit, epoch+1, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want to wait for the first snapshot", err)
		}
		ended := make(chan error, 1)
		go func() { ended <- r.Durable(t.Context(), mesh.ChainAudit, epoch+1, 1) }()
		synctest.Wait()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, records.ErrLost) {
			t.Errorf("got %v after Close, want ErrLost", err)
		}
	})
}
