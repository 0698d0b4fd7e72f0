package failures_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/failures"
	"github.com/meshos/meshos/host/mesh"
)

// loop takes reports while there is room.
type loop chan mesh.FailureReport

func (l loop) Report(ctx context.Context, r mesh.FailureReport) error {
	select {
	case l <- r:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func TestReportsOfTheEndAreHandedOnForTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		taken := make(loop, 2)
		r := failures.New(taken, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, stop := context.WithCancel(t.Context())
		stop()
		for _, reason := range []string{"a", "b", "c"} {
			r.Add("test", reason)
		}
		began := time.Now()
		r.Run(ctx, 500*time.Millisecond) // c waits for room until the grace is over
		if took := time.Since(began); took != 500*time.Millisecond || len(taken) != 2 {
			t.Errorf("took %v, %d were recorded", took, len(taken))
		}
		if !strings.Contains(log.String(), "a failure was not recorded") || !strings.Contains(log.String(), "reason=c") {
			t.Error(log.String())
		}
	})
}

func TestNobodyWaitsWithAReport(t *testing.T) {
	var log bytes.Buffer
	r := failures.New(make(loop), slog.New(slog.NewTextHandler(&log, nil))) // nothing runs
	for range 256 {
		r.Add("test", "waits")
	}
	r.Add("test", "too many")
	if got := log.String(); !strings.Contains(got, `reason="too many"`) || strings.Contains(got, "waits") {
		t.Error(got)
	}
}
