package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The process is killed repeatedly while records are sent, each batch until it is
// acknowledged. At the end all are there, once and in order.
func TestProcessKilledWhileItWrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := catalogtest.Start(t, name, map[string]any{"dir": dir, "max_size": int64(4096), "keep": int64(1000)})
	a, err := c.Appender(name)
	if err != nil {
		t.Fatal(err)
	}
	const batch, all = 5, 100
	for seq := uint64(1); seq <= all; seq += batch {
		var records []*meshosv1.Record
		for i := range uint64(batch) {
			records = append(records, logRecord(7, seq+i))
		}
		killed := make(chan struct{})
		if seq%35 == 1 { // three times: five would quarantine it
			pid := catalogtest.View(c).PID
			go func() {
				defer close(killed)
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}()
		} else {
			close(killed)
		}
		testkit.Until(t, "the batch is stored", func() bool { return a.Append(t.Context(), records) == nil })
		<-killed
	}
	wantContent(t, dir, text(entries(t, 7, 1, all)))
	if _, err := os.Stat(filepath.Join(dir, "log-000001.jsonl")); err != nil {
		t.Errorf("no file was rotated: %v", err)
	}
	if n := catalogtest.View(c).Restarts; n == 0 {
		t.Error("the process was never restarted")
	}
}
